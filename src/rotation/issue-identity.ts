import type { KeyObject } from 'node:crypto';
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
  wanted: IdentityRequest,
  { issuer, clock }: { readonly issuer: Issuer; readonly clock: Clock },
  signal: AbortSignal,
): Promise<{ identity: Identity; keyType: KeyType; warnings: string[] }> {
  const { spiffeId, ttlSeconds } = wanted;
  const tried = new Set<KeyType>();
  for (let keyType = wanted.keyType; ; ) {
    tried.add(keyType);
    const request = prepareRequest(spiffeId, keyType);
    try {
      const issued = await issuer.issue({ spiffeId, keyType, ttlSeconds, makeCsr: request.makeCsr }, signal);
      const privateKey = await request.privateKey();
      return { ...verifyIssued(issued, { spiffeId, privateKey }, clock.nowMs()), keyType };
    } catch (thrown) {
      const demanded = wanted.mayChangeKeyType ? findDemandedKeyType(thrown) : undefined;
      if (demanded === undefined || tried.has(demanded)) throw thrown;
      keyType = demanded;
    }
  }
}

/** A key and its request, both made once, when the first of them is asked for. */
function prepareRequest(spiffeId: SpiffeId, keyType: KeyType) {
  let key: Promise<KeyObject> | undefined;
  let csr: Promise<Buffer> | undefined;
  const privateKey = () => {
    key ??= makePrivateKey(keyType);
    return key;
  };
  return {
    privateKey,
    makeCsr: () => {
      csr ??= privateKey().then((made) => makeCsr(spiffeId, made));
      return csr;
    },
  };
}

function findDemandedKeyType(thrown: unknown): KeyType | undefined {
  if (!(thrown instanceof AgentError) || thrown.code !== 'ERR_KEY_TYPE') return undefined;
  return KEY_TYPES.find((type) => type === thrown.detail);
}
