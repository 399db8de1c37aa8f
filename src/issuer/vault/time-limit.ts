/** The longest delay of Node's timers; beyond, they fire at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/**
 * Runs `work` with a signal that is aborted after `limitMs`, with a reason named `TimeoutError`, or with any of the
 * others.
 */
export async function withTimeLimit<T>(
  limitMs: number,
  others: readonly AbortSignal[],
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const stop = ({ target }: Event) => controller.abort((target as AbortSignal).reason);
  const timer = setTimeout(
    () => controller.abort(new DOMException('time is up', 'TimeoutError')),
    Math.min(limitMs, MAX_DELAY_MS),
  );
  for (const other of others) {
    if (other.aborted) controller.abort(other.reason);
    other.addEventListener('abort', stop, { once: true });
  }
  try {
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
    for (const other of others) other.removeEventListener('abort', stop);
  }
}
