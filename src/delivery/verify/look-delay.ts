const FIRST_MS = 10;
const LONGEST_IN_TIME_MS = 1_000;
const SHORTEST_LATE_MS = 2_000;
const LONGEST_LATE_MS = 60_000;

export interface Looking {
  /** Looks so far, from 1. */
  readonly looks: number;
  /** Since the delivery. */
  readonly elapsedMs: number;
  /** How long it may take. */
  readonly withinMs: number;
}

/**
 * How long to wait before the next look, in milliseconds: quickly at first, as a proxy takes milliseconds; one look just
 * at the end of the limit; then rarely, as somebody has to mend something.
 */
export function computeLookDelayMs({ looks, elapsedMs, withinMs }: Looking): number {
  const leftMs = withinMs - elapsedMs;
  if (leftMs > 0) return Math.min(FIRST_MS * 2 ** Math.min(looks - 1, 10), LONGEST_IN_TIME_MS, leftMs);
  return Math.min(Math.max(SHORTEST_LATE_MS, -leftMs), LONGEST_LATE_MS);
}
