import type { KeyObject } from 'node:crypto';
import { makeCsr } from '../identity/csr.ts';
import { type KeyType, makePrivateKey } from '../identity/key-pair.ts';
import type { SpiffeId } from '../identity/spiffe-id.ts';

/** A key and its request, both made once, when the first of them is asked for. */
export interface SigningRequest {
  readonly privateKey: () => Promise<KeyObject>;
  /** PKCS#10, DER. */
  readonly makeCsr: () => Promise<Buffer>;
}

/**
 * The request that one CA has not answered with a certificate yet. An attempt that follows a failed one goes with the same
 * key and request, so that a CA which took the first one in silence knows it again, and is not paid for two certificates.
 * No key is ever that of two generations.
 */
export interface OpenRequest {
  /** The open one, if it is for the same identity and key type; else a new one in its place. */
  take(spiffeId: SpiffeId, keyType: KeyType): SigningRequest;
  /** The CA has answered: the key serves, or is given up with the answer. */
  spend(): void;
}

export function holdOpenRequest(): OpenRequest {
  let open: { readonly what: string; readonly request: SigningRequest } | undefined;
  return {
    take(spiffeId, keyType) {
      const what = `${keyType} ${spiffeId}`;
      if (open?.what !== what) open = { what, request: prepareRequest(spiffeId, keyType) };
      return open.request;
    },
    spend: () => {
      open = undefined;
    },
  };
}

function prepareRequest(spiffeId: SpiffeId, keyType: KeyType): SigningRequest {
  const privateKey = once(() => makePrivateKey(keyType));
  return { privateKey, makeCsr: once(async () => makeCsr(spiffeId, await privateKey())) };
}

/** What could not be made is made anew the next time. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make().catch((thrown: unknown) => {
      made = undefined;
      throw thrown;
    });
    return made;
  };
}
