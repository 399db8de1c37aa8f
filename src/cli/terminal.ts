import type { Clock } from '../clock.ts';
import type { LogLevel } from '../log.ts';
import type { Status } from '../observe/status.ts';
import { describeCountdown } from './describe-countdown.ts';
import type { Edge } from './edge.ts';
import { openPaint } from './paint.ts';

/** A log on a terminal, and below it one line that is always of now. */
export interface Terminal {
  /** Puts whole lines of the log above that line. */
  readonly write: (lines: string) => void;
  readonly paintLevel: (level: LogLevel, text: string) => string;
  /** Shows that line, renewed each second, until the signal is aborted. Where the terminal cannot, does nothing. */
  showCountdown(readStatus: () => Status, signal: AbortSignal): Promise<void>;
}

/** To the first column, and the line away. */
const CLEAR = '\r\u001b[K';
const TICK_MS = 1_000;

export function openTerminal(
  edge: Pick<Edge, 'environment' | 'writeError' | 'countColumns'>,
  clock: Pick<Clock, 'nowMs' | 'sleep'>,
): Terminal {
  const paint = openPaint(true, edge);
  let live = '';
  return {
    write: (lines) => edge.writeError(live === '' ? lines : `${CLEAR}${lines}${live}`),
    paintLevel(level, text) {
      if (level === 'warn') return paint('yellow', text);
      return level === 'error' ? paint('red', text) : text;
    },
    async showCountdown(readStatus, signal) {
      if (edge.environment.TERM === 'dumb') return;
      while (!signal.aborted) {
        const text = describeCountdown(readStatus(), clock.nowMs());
        // A line that is broken into two cannot be cleared; a cursor in the last column may break it.
        live = paint('dim', text.slice(0, edge.countColumns() - 1));
        edge.writeError(`${CLEAR}${live}`);
        await clock.sleep(TICK_MS, signal);
      }
      live = '';
      edge.writeError(CLEAR);
    },
  };
}
