import { type Clock, sleepUntil } from '../../clock.ts';
import { AgentError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { IssuerObserver } from '../issuer.ts';
import type { AskVault } from './client.ts';
import { asNumber, asRecord } from './json.ts';

/** The share of a token's full life that is left when it is renewed. */
const RENEW_RATIO = 1 / 3;
/** After Vault could not be asked. */
const RETRY_MS = 30_000;

export interface TokenCarePorts {
  readonly ask: AskVault;
  /** The token as it is stored now. */
  readonly readToken: () => Promise<string>;
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: Pick<IssuerObserver, 'credentialExpires'>;
  /** The backend's name, for messages. */
  readonly backend: string;
}

/**
 * Looks after a token that somebody else has made and that nobody else renews, so that it still lives when the next
 * certificate is due, weeks later perhaps: looks it up, and renews it when a third of its life is left (Vault,
 * `auth/token/renew-self`). A token that was stored in its place meanwhile is looked after instead.
 *
 * Returns when the signal is aborted, or when nothing more can be done: the token never ends, cannot be renewed, or may
 * not look itself up.
 */
export async function careForToken(ports: TokenCarePorts, signal: AbortSignal): Promise<void> {
  const { clock, log, backend } = ports;
  do {
    const waitMs = await lookAfter(ports).catch((thrown: unknown) => {
      log.debug('vault token not looked after', { backend, error: AgentError.from(thrown).line });
      return RETRY_MS;
    });
    if (waitMs === undefined) return;
    await sleepUntil(clock, clock.nowMs() + waitMs, signal);
  } while (!signal.aborted);
}

/** @returns for how long nothing needs to be done, in milliseconds; undefined: for ever. */
async function lookAfter(ports: TokenCarePorts): Promise<number | undefined> {
  const { ask, clock, log, observer, backend } = ports;
  const token = await ports.readToken();
  const found = await ask({ method: 'GET', path: 'auth/token/lookup-self', token, purpose: 'looking up our token' });
  if (found.status >= 500) throw new AgentError('ERR_CA_UNAVAILABLE', `Vault answered ${found.status}`);
  const data = asRecord(asRecord(found.body).data);
  const leftSeconds = asNumber(data.ttl) ?? 0;
  if (found.status !== 200 || leftSeconds <= 0) return undefined;
  observer.credentialExpires('vault_token', clock.nowMs() + leftSeconds * 1000);
  if (data.renewable !== true) return undefined;
  const fullSeconds = asNumber(data.period) ?? asNumber(data.creation_ttl) ?? leftSeconds;
  const lowMs = fullSeconds * RENEW_RATIO * 1000;
  if (leftSeconds * 1000 > lowMs) return leftSeconds * 1000 - lowMs;

  const path = 'auth/token/renew-self';
  const renewed = await ask({ method: 'POST', path, token, body: {}, purpose: 'renewing our token' });
  if (renewed.status >= 500) throw new AgentError('ERR_CA_UNAVAILABLE', `Vault answered ${renewed.status}`);
  const nowLeftMs = (asNumber(asRecord(asRecord(renewed.body).auth).lease_duration) ?? leftSeconds) * 1000;
  const endsAtMs = clock.nowMs() + nowLeftMs;
  observer.credentialExpires('vault_token', endsAtMs);
  if (nowLeftMs > lowMs) return nowLeftMs - lowMs;
  log.warn('the vault token cannot be renewed any further', {
    backend,
    endsAt: new Date(endsAtMs).toISOString(),
    ...(renewed.complaint !== '' && { complaint: renewed.complaint }),
    remedy: 'store a new one in auth.token; vault token create -period=... makes one that can be renewed for ever',
  });
  return undefined;
}
