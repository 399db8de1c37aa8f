import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../config/config.ts';
import type { Log } from '../log.ts';

/** Whether the certificate in service is still what is asked for. */
export function isSameIssue(before: Config, next: Config): boolean {
  return isDeepStrictEqual(whatIsIssued(before), whatIsIssued(next));
}

function whatIsIssued({ mesh, spiffeId, keyType, backend }: Config) {
  return { mesh, spiffeId: spiffeId.toString(), keyType, backend };
}

export function sayWhatNeedsARestart(before: Config, next: Config, log: Log): void {
  for (const key of ['telemetry', 'admin'] as const) {
    if (!isDeepStrictEqual(before[key], next[key])) log.warn(`${key} changes with the next start of the agent`);
  }
}
