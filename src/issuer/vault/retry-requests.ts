import type { Clock } from '../../clock.ts';
import { AgentError } from '../../errors.ts';
import type { VaultAnswer, VaultClient } from './client.ts';

export interface RetryPorts {
  readonly clock: Pick<Clock, 'sleep'>;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** The n-th pause is n times as long as one between these. */
const LEAST_PAUSE_MS = 1_000;
const MOST_PAUSE_MS = 1_500;

type Outcome = { readonly answer: VaultAnswer } | { readonly error: AgentError };

/**
 * Repeats a request up to `maxRetries` times, within its time limit, as Vault's own clients do: when the connection fails
 * or is cut, on 412, on 429, and from 500 on but for 501. What was cut off may have been done: a certificate can be signed
 * twice. The last outcome is what is told.
 *
 * The health of Vault is not asked for again: its status is the answer, whatever it is.
 */
export function retryRequests(client: VaultClient, maxRetries: number, { clock, random }: RetryPorts): VaultClient {
  return {
    async request(call, signal) {
      for (let tried = 1; ; tried += 1) {
        const outcome: Outcome = await client.request(call, signal).then(
          (answer) => ({ answer }),
          (thrown: unknown) => ({ error: AgentError.from(thrown) }),
        );
        const mayRepeat = tried <= maxRetries && call.path !== 'sys/health' && isWorthRepeating(outcome);
        if (mayRepeat && !signal.aborted) await clock.sleep(choosePauseMs(outcome, tried, random()), signal);
        if (mayRepeat && !signal.aborted) continue;
        if ('error' in outcome) throw outcome.error;
        return outcome.answer;
      }
    },
    close: () => client.close(),
  };
}

function isWorthRepeating(outcome: Outcome): boolean {
  if ('error' in outcome) return outcome.error.code === 'ERR_CA_UNREACHABLE';
  const { status } = outcome.answer;
  return status === 412 || status === 429 || (status >= 500 && status !== 501);
}

function choosePauseMs(outcome: Outcome, tried: number, random: number): number {
  const asked = 'answer' in outcome ? outcome.answer.retryAfterMs : undefined;
  return asked ?? tried * (LEAST_PAUSE_MS + random * (MOST_PAUSE_MS - LEAST_PAUSE_MS));
}
