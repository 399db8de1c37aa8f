/** One value that changes, and those who wait for it to. */
export interface StateStream<T> {
  current(): T;
  change(next: T): void;
  /**
   * Every state from now on, the present one first. A slow reader gets the newest state and misses those in between.
   * Ends when the signal is aborted.
   */
  changes(signal: AbortSignal): AsyncGenerator<T, void, undefined>;
}

export function openStateStream<T>(first: T): StateStream<T> {
  const waiting = new Set<() => void>();
  let state = first;
  let changeCount = 0;

  function nextChange(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      waiting.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }

  return {
    current: () => state,
    change(next) {
      state = next;
      changeCount += 1;
      for (const wake of waiting) wake();
    },
    async *changes(signal) {
      while (!signal.aborted) {
        const seen = changeCount;
        yield state;
        if (seen === changeCount && !signal.aborted) await nextChange(signal);
      }
    },
  };
}
