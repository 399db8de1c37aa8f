import { type Log, openLog } from '../../src/log.ts';

/** A log whose lines a test reads. */
export function openRecordingLog(): Log & { readonly lines: string[] } {
  const lines: string[] = [];
  const log = openLog({ format: 'text', level: 'debug', nowMs: () => 0, write: (line) => lines.push(line) });
  return Object.assign(log, { lines });
}
