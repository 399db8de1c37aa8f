import type { Clock } from '../clock.ts';
import { type Log, type LogLevel, openLog } from '../log.ts';
import type { Edge } from './edge.ts';

export interface LogChoice {
  readonly logLevel: LogLevel;
  readonly logFormat?: 'text' | 'json';
}

/** The log of a command that goes on until a signal ends it: on the error stream, text where a person reads it. */
export function openCommandLog({ logFormat, logLevel }: LogChoice, edge: Edge, clock: Clock): Log {
  return openLog({
    format: logFormat ?? (edge.isTerminal ? 'text' : 'json'),
    level: logLevel,
    nowMs: () => clock.nowMs(),
    write: edge.writeError,
  });
}
