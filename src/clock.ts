/**
 * Time as an argument: everything that waits or asks what time it is gets a {@link Clock}.
 *
 * @module
 */
import { hrtime } from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';

/**
 * The longest single sleep, 60 s. The wall clock is read at least that often, so that a suspended laptop, a migrated VM
 * or a stepped clock delays nothing for longer; it also keeps every delay far from 2^31-1 ms, beyond which Node's
 * timers fire at once.
 */
export const MAX_SLEEP_MS = 60_000;

export interface Clock {
  /** The wall clock: milliseconds since 1970. May jump in both directions. */
  nowMs(): number;
  /** Milliseconds since some moment; never jumps. For durations only. */
  monotonicMs(): number;
  /**
   * Waits `ms`, but never longer than {@link MAX_SLEEP_MS}: callers loop. Returns early, without an error, when the
   * signal is aborted.
   */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  // Not performance.now(), which loads six modules of Node's at its first use.
  monotonicMs: () => Number(hrtime.bigint()) / 1e6,
  sleep: async (ms, signal) => {
    const boundedMs = Math.min(Math.max(ms, 0), MAX_SLEEP_MS);
    await wait(boundedMs, undefined, { signal }).catch(() => undefined);
  },
};

/** Waits until the wall clock shows `atMs`, or the signal is aborted. */
export async function sleepUntil(clock: Clock, atMs: number, signal: AbortSignal): Promise<void> {
  for (let leftMs = atMs - clock.nowMs(); leftMs > 0 && !signal.aborted; leftMs = atMs - clock.nowMs()) {
    await clock.sleep(Math.min(leftMs, MAX_SLEEP_MS), signal);
  }
}
