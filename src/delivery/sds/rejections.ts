import type { Clock } from '../../clock.ts';
import type { Log } from '../../log.ts';

const MAX_REASON_CHARACTERS = 300;
/** Whoever can reach the socket can reject, as often as it likes. */
const MAX_LINES_PER_MINUTE = 10;
const MINUTE_MS = 60_000;

/** Logs why clients rejected what they were sent: on one line, cut when long, and no more than some a minute. */
export function openRejectionLog(
  delivery: string,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): (reason: string) => void {
  let minuteEndsMs = Number.NEGATIVE_INFINITY;
  let lines = 0;
  return (reason) => {
    const nowMs = clock.monotonicMs();
    if (nowMs >= minuteEndsMs) {
      minuteEndsMs = nowMs + MINUTE_MS;
      lines = 0;
    }
    lines += 1;
    if (lines > MAX_LINES_PER_MINUTE) return;
    log.warn('a client rejected its secrets', {
      delivery,
      reason: cutReason(reason),
      ...(lines === MAX_LINES_PER_MINUTE ? { note: 'further ones are not shown for a minute' } : {}),
    });
  };
}

/** A reason in the words of a stranger. */
function cutReason(reason: string): string {
  const line = reason
    .slice(0, 4 * MAX_REASON_CHARACTERS)
    .replaceAll(/[\p{C}\p{Z}]+/gu, ' ')
    .trim();
  return line.length > MAX_REASON_CHARACTERS ? `${line.slice(0, MAX_REASON_CHARACTERS)}...` : line;
}
