import { createPublicKey, type KeyObject, webcrypto } from 'node:crypto';
import type { Certificate } from '../identity/certificate.ts';

/** What Web Cryptography needs to be told to sign with a CA's key; the hash is as strong as the curve (RFC 5480, 4). */
const EC_ALGORITHMS: Readonly<Record<string, { namedCurve: string; hash: string }>> = {
  prime256v1: { namedCurve: 'P-256', hash: 'SHA-256' },
  secp384r1: { namedCurve: 'P-384', hash: 'SHA-384' },
  secp521r1: { namedCurve: 'P-521', hash: 'SHA-512' },
};

/** Undefined: of a kind that Node does not know. */
export function readPublicKey({ x509 }: Pick<Certificate, 'x509'>): KeyObject | undefined {
  try {
    return x509.publicKey;
  } catch {
    return undefined;
  }
}

/** Whether a CA with such a key can sign here. */
export function isSigningKey(key: KeyObject | undefined): boolean {
  return key !== undefined && findSigningAlgorithm(key) !== undefined;
}

/** `rsa 2048`, `ec secp256k1`: for messages. */
export function describeKey(key: KeyObject | undefined): string {
  const { asymmetricKeyType = 'unknown', asymmetricKeyDetails: { namedCurve, modulusLength } = {} } = key ?? {};
  return [asymmetricKeyType, namedCurve ?? modulusLength].filter((part) => part !== undefined).join(' ');
}

/** The algorithm of signatures by this key; undefined: there is none here. */
function findSigningAlgorithm(key: KeyObject) {
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
    case 'ed25519':
      return { name: 'Ed25519' };
    case 'ec': {
      const curve = EC_ALGORITHMS[key.asymmetricKeyDetails?.namedCurve ?? ''];
      return curve && { name: 'ECDSA', ...curve };
    }
    default:
      return undefined;
  }
}

export interface SigningKey {
  readonly keys: webcrypto.CryptoKeyPair;
  readonly algorithm: { readonly name: string; readonly hash?: string; readonly namedCurve?: string };
}

/** @param privateKey one that {@link isSigningKey} says yes to. */
export async function importSigningKey(privateKey: KeyObject): Promise<SigningKey> {
  const algorithm = findSigningAlgorithm(privateKey);
  if (algorithm === undefined) throw new RangeError(`cannot sign with ${describeKey(privateKey)}`);
  const pkcs8 = privateKey.export({ format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  const [ofPrivate, ofPublic] = await Promise.all([
    webcrypto.subtle.importKey('pkcs8', pkcs8, algorithm, false, ['sign']),
    webcrypto.subtle.importKey('spki', spki, algorithm, true, ['verify']),
  ]);
  return { algorithm, keys: { privateKey: ofPrivate, publicKey: ofPublic } };
}
