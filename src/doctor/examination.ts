import { AgentError } from '../errors.ts';

/** `skip`: it could not be tried, or does not apply; that is no fault. */
export type Verdict = 'pass' | 'warn' | 'fail' | 'skip';

/** What one check found. Field names and names of checks are part of the contract with users (`-o json`). */
export interface Finding {
  /** `role-lifetime` */
  readonly check: string;
  readonly verdict: Verdict;
  /** One line: what is so, or what is wrong and why. Never holds a secret. */
  readonly cause: string;
  /** What to do, in words. */
  readonly remedy?: string | undefined;
  /** What mends it, to be run by an administrator of the CA in a POSIX shell; may have several lines. */
  readonly command?: string | undefined;
  /** The check that has to succeed before this one can be tried. */
  readonly waitsFor?: string | undefined;
}

/** What a check tells, and what later checks need of it. A failure without a value keeps them from being tried. */
export interface Outcome<T> extends Pick<Finding, 'verdict' | 'cause' | 'remedy' | 'command'> {
  readonly value?: T;
}

/** A check that was made. */
export interface Checked<T> {
  readonly name: string;
  /** Undefined: there is nothing to go on with. */
  readonly value: T | undefined;
  /** The check that has to be mended before this one, or this one itself. */
  readonly blockedBy: string;
}

type ValuesOf<Needs extends readonly Checked<unknown>[]> = {
  [K in keyof Needs]: Needs[K] extends Checked<infer T> ? T : never;
};

/** Makes checks one after the other and keeps what they found. */
export interface Examination {
  readonly findings: readonly Finding[];
  /**
   * Makes one check. It is skipped when one of those that it needs gave no value; an error of it is a failure.
   *
   * @param look gets the values of what it needs.
   */
  check<const Needs extends readonly Checked<unknown>[], T>(
    name: string,
    needs: Needs,
    look: (...values: ValuesOf<Needs>) => Outcome<T> | Promise<Outcome<T>>,
  ): Promise<Checked<T>>;
}

export function openExamination(): Examination {
  const findings: Finding[] = [];
  return {
    findings,
    async check(name, needs, look) {
      const missing = needs.find(({ value }) => value === undefined);
      if (missing !== undefined) {
        const waitsFor = missing.blockedBy;
        findings.push({ check: name, verdict: 'skip', cause: `not tried: it waits for ${waitsFor}`, waitsFor });
        return { name, value: undefined, blockedBy: waitsFor };
      }
      const values = needs.map(({ value }) => value) as ValuesOf<typeof needs>;
      const { value, ...found } = await attempt(() => look(...values));
      findings.push({ check: name, ...clean(found) });
      return { name, value, blockedBy: name };
    },
  };
}

const MAX_LENGTH = 1_000;

/** Much of it comes from whoever answers: it must neither reach a terminal as an instruction, nor fill it. */
function clean({ verdict, cause, remedy, command }: Outcome<never>): Omit<Finding, 'check'> {
  const toOneLine = (text: string) => text.replace(/[\s\p{Cc}]+/gu, ' ').slice(0, MAX_LENGTH);
  return {
    verdict,
    cause: toOneLine(cause),
    ...(remedy !== undefined && { remedy: toOneLine(remedy) }),
    ...(command !== undefined && { command: command.replace(/[^\n\P{Cc}]+/gu, ' ') }),
  };
}

async function attempt<T>(look: () => Outcome<T> | Promise<Outcome<T>>): Promise<Outcome<T>> {
  try {
    return await look();
  } catch (thrown) {
    const { message, remedy } = AgentError.from(thrown);
    return { verdict: 'fail', cause: message, remedy };
  }
}
