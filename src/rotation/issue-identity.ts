import type { Clock } from '../clock.ts';
import { AgentError } from '../errors.ts';
import { makeCsr } from '../identity/csr.ts';
import type { Identity } from '../identity/identity.ts';
import { KEY_TYPES, type KeyType, makePrivateKey } from '../identity/key-pair.ts';
import type { SpiffeId } from '../identity/spiffe-id.ts';
import { verifyIssued } from '../identity/verify.ts';
import type { Issuer } from '../issuer/issuer.ts';

export interface IdentityRequest {
  readonly spiffeId: SpiffeId;
  readonly keyType: KeyType;
  /** Whether another key type may be taken when the CA demands it. */
  readonly mayChangeKeyType: boolean;
  readonly ttlSeconds: number;
}

/**
 * One new identity: key, request, answer of the CA, verification.
 *
 * @returns the key type that the CA took, to begin with next time.
 * @throws AgentError of the step that failed.
 */
export async function issueIdentity(
  request: IdentityRequest,
  { issuer, clock }: { readonly issuer: Issuer; readonly clock: Clock },
  signal: AbortSignal,
): Promise<{ identity: Identity; keyType: KeyType; warnings: string[] }> {
  const { spiffeId, keyType, ttlSeconds } = request;
  const privateKey = await makePrivateKey(keyType);
  try {
    const csr = makeCsr(spiffeId, privateKey);
    const issued = await issuer.issue({ spiffeId, csr, keyType, ttlSeconds }, signal);
    return { ...verifyIssued(issued, { spiffeId, privateKey }, clock.nowMs()), keyType };
  } catch (thrown) {
    const demanded = request.mayChangeKeyType ? findDemandedKeyType(thrown) : undefined;
    if (demanded === undefined || demanded === keyType) throw thrown;
    return issueIdentity({ ...request, keyType: demanded, mayChangeKeyType: false }, { issuer, clock }, signal);
  }
}

function findDemandedKeyType(thrown: unknown): KeyType | undefined {
  if (!(thrown instanceof AgentError) || thrown.code !== 'ERR_KEY_TYPE') return undefined;
  return KEY_TYPES.find((type) => type === thrown.detail);
}
