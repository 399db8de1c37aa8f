import { setTimeout as wait } from 'node:timers/promises';

export interface EventuallyOptions {
  /** Default 10,000. */
  readonly timeoutMs?: number;
  /** Between two questions. Default 25. */
  readonly everyMs?: number;
  /** Aborted: the wait is in vain; it ends with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Asks until the answer is truthy, and returns it. An error of the probe means "not yet".
 *
 * @param what completes the sentence "waited in vain until ..."
 */
export async function eventually<T>(
  what: string,
  probe: () => T | Promise<T>,
  { timeoutMs = 10_000, everyMs = 25, signal }: EventuallyOptions = {},
): Promise<Exclude<T, undefined | null | false>> {
  const deadlineMs = performance.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    signal?.throwIfAborted();
    try {
      const answer = await probe();
      if (answer) return answer as Exclude<T, undefined | null | false>;
      last = answer;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadlineMs) {
      const said = last instanceof Error ? last.message : JSON.stringify(last);
      throw new Error(`waited ${timeoutMs} ms in vain until ${what}; the last answer was ${said}`, { cause: last });
    }
    await wait(everyMs);
  }
}
