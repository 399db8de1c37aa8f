import { type Clock, sleepUntil } from '../clock.ts';
import { AgentError } from '../errors.ts';

/**
 * Lets an attempt work until a moment: a CA that hangs must not use up the time in which another one could issue.
 *
 * @param untilMs milliseconds since 1970; may be infinite.
 * @throws AgentError `ERR_CA_UNREACHABLE` when the time was over; else what `work` throws.
 */
export async function giveTime<T>(
  clock: Clock,
  backend: string,
  untilMs: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (untilMs === Number.POSITIVE_INFINITY) return work(signal);
  const done = new AbortController();
  const late = new AbortController();
  void sleepUntil(clock, untilMs, AbortSignal.any([signal, done.signal])).then(() => {
    if (!done.signal.aborted) late.abort();
  });
  try {
    return await work(AbortSignal.any([signal, late.signal]));
  } catch (thrown) {
    if (!late.signal.aborted || signal.aborted) throw thrown;
    throw new AgentError('ERR_CA_UNREACHABLE', `no certificate from backend "${backend}" in the time that it has`, {
      remedy: 'another CA is asked; see the health of this one',
      cause: thrown,
    });
  } finally {
    done.abort();
  }
}
