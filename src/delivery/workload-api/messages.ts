/**
 * What the SPIFFE Workload API answers with, as plain objects as `proto/spiffe/workload/workload.proto` has them.
 * Each is the whole state: what is not in it any more was withdrawn (SPIFFE Workload API, section 4.3).
 *
 * @module
 */
import type { Generation } from '../../identity/identity.ts';

export interface X509SvidResponse {
  readonly svids: readonly {
    readonly spiffeId: string;
    /** DER certificates one after the other, leaf first, without the root. */
    readonly x509Svid: Buffer;
    /** PKCS#8 DER, not encrypted. */
    readonly x509SvidKey: Buffer;
    /** DER certificates of the trust domain's CAs, one after the other. */
    readonly bundle: Buffer;
    readonly hint: string;
  }[];
}

export interface X509BundlesResponse {
  /** DER certificates one after the other, by the SPIFFE ID of their trust domain. */
  readonly bundles: Readonly<Record<string, Buffer>>;
}

/** @param hint empty: none. */
export function renderX509Svids(generation: Generation, hint: string): X509SvidResponse {
  const { spiffeId, chain, privateKey, trustBundle } = generation;
  const svid = {
    spiffeId: spiffeId.toString(),
    x509Svid: Buffer.concat(chain),
    x509SvidKey: privateKey.export({ format: 'der', type: 'pkcs8' }),
    bundle: Buffer.concat(trustBundle),
    hint,
  };
  return { svids: [svid] };
}

export function renderX509Bundles({ spiffeId, trustBundle }: Generation): X509BundlesResponse {
  return { bundles: { [`spiffe://${spiffeId.trustDomain}`]: Buffer.concat(trustBundle) } };
}
