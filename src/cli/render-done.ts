import type { Done } from '../setup/step.ts';

const RESULTS: Readonly<Record<Done['result'], string>> = {
  made: 'made',
  changed: 'changed',
  unchanged: 'as it was',
  differs: 'DIFFERS',
  waits: 'WAITS',
  denied: 'DENIED',
};

/** @param left what is said of whatever differs: it stays, and what would change it. */
export function renderDone({ what, result, notes }: Done, left: string): string {
  const lines = [...notes, ...(result === 'differs' ? [left] : [])].flatMap((note) => note.split('\n'));
  return [`${RESULTS[result].padEnd(9)}  ${what}`, ...lines.map((line) => `           ${line}`), ''].join('\n');
}
