import type { Finding, Verdict } from '../doctor/examination.ts';

/** What `doctor -o json` prints; its field names are part of the contract with users. */
export interface DoctorReport {
  readonly mesh: string;
  readonly service: string;
  readonly spiffeId: string;
  /** Undefined: mTLS is off. */
  readonly backend: string | undefined;
  /** In the order in which they were made. */
  readonly checks: readonly Finding[];
}

const WORDS: Readonly<Record<Verdict, string>> = { pass: 'ok', warn: 'WARN', fail: 'FAIL', skip: '-' };

/** For a person: a line per check, below it what mends it, and a sum. */
export function renderReport({ spiffeId, backend, checks }: DoctorReport): string {
  const width = Math.max(...checks.map(({ check }) => check.length));
  const lines = checks
    .filter(({ waitsFor }) => waitsFor === undefined)
    .flatMap(({ check, verdict, cause, remedy, command }) => [
      `${WORDS[verdict].padEnd(4)}  ${check.padEnd(width)}  ${cause}`,
      ...(remedy === undefined ? [] : [`      mend: ${remedy}`]),
      ...(command === undefined ? [] : command.split('\n').map((line) => `      $ ${line}`)),
      ...describeWaiting(check, checks),
    ]);
  const from = backend === undefined ? '' : ` from the backend "${backend}"`;
  return [`${spiffeId}${from}`, '', ...lines, '', sumUp(checks), ''].join('\n');
}

/** One line for all that could not be tried before this one succeeds. */
function describeWaiting(check: string, checks: readonly Finding[]): string[] {
  const waiting = checks.filter(({ waitsFor }) => waitsFor === check).map((one) => one.check);
  return waiting.length === 0 ? [] : [`      not tried before that: ${waiting.join(', ')}`];
}

function sumUp(checks: readonly Finding[]): string {
  const count = (wanted: Verdict) => checks.filter(({ verdict }) => verdict === wanted).length;
  return `${count('pass')} ok, ${count('warn')} warned of, ${count('fail')} failed, ${count('skip')} not tried`;
}
