import { AgentError } from '../errors.ts';

/** Rejects when the signal is aborted, with what was in the way until then. @param findReason one line, if there is any. */
export function giveUpWhenAborted(signal: AbortSignal, findReason: () => string | undefined): Promise<never> {
  return new Promise((_, reject) => {
    const giveUp = () => {
      const last = findReason() ?? 'the CA has not answered yet';
      reject(new AgentError('ERR_AGENT', `gave up before the first certificate was delivered: ${last}`));
    };
    if (signal.aborted) giveUp();
    else signal.addEventListener('abort', giveUp, { once: true });
  });
}
