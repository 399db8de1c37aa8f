import type { Clock } from '../clock.ts';
import { AgentError } from '../errors.ts';
import type { Identity } from '../identity/identity.ts';
import { KEY_TYPES, type KeyType } from '../identity/key-pair.ts';
import type { SpiffeId } from '../identity/spiffe-id.ts';
import { verifyIssued } from '../identity/verify.ts';
import type { Issuer } from '../issuer/issuer.ts';
import { holdOpenRequest, type OpenRequest } from './open-request.ts';

/** A shorter life than asked for is obeyed; one below this, or half of what was asked, would be a life of rotations. */
const LEAST_LIFE_MS = 10_000;

export interface IdentityRequest {
  readonly spiffeId: SpiffeId;
  readonly keyType: KeyType;
  /** Whether another key type may be taken when the CA demands it. */
  readonly mayChangeKeyType: boolean;
  readonly ttlSeconds: number;
  /** The lifetime that is configured. Default: `ttlSeconds`. */
  readonly fullTtlSeconds?: number;
}

export interface IssuePorts {
  readonly issuer: Issuer;
  readonly clock: Clock;
  /** What an earlier attempt at this CA has left. Default: nothing. */
  readonly open?: OpenRequest | undefined;
}

/**
 * One new identity: key, request, answer of the CA, verification.
 *
 * @returns the key type that the CA took, to begin with next time.
 * @throws AgentError of the step that failed.
 */
export async function issueIdentity(
  wanted: IdentityRequest,
  { issuer, clock, open = holdOpenRequest() }: IssuePorts,
  signal: AbortSignal,
): Promise<{ identity: Identity; keyType: KeyType; warnings: string[] }> {
  const { spiffeId, ttlSeconds, fullTtlSeconds = ttlSeconds } = wanted;
  const tried = new Set<KeyType>();
  for (let keyType = wanted.keyType; ; ) {
    tried.add(keyType);
    const request = open.take(spiffeId, keyType);
    try {
      const issued = await issuer.issue(
        { spiffeId, keyType, ttlSeconds, fullTtlSeconds, makeCsr: request.makeCsr },
        signal,
      );
      open.spend();
      const privateKey = await request.privateKey();
      const leastLifeMs = Math.min(LEAST_LIFE_MS, (ttlSeconds * 1000) / 2);
      return { ...verifyIssued(issued, { spiffeId, privateKey, leastLifeMs }, clock.nowMs()), keyType };
    } catch (thrown) {
      const demanded = wanted.mayChangeKeyType ? findDemandedKeyType(thrown) : undefined;
      if (demanded === undefined || tried.has(demanded)) throw thrown;
      keyType = demanded;
    }
  }
}

function findDemandedKeyType(thrown: unknown): KeyType | undefined {
  if (!(thrown instanceof AgentError) || thrown.code !== 'ERR_KEY_TYPE') return undefined;
  return KEY_TYPES.find((type) => type === thrown.detail);
}
