import { generateKeyPair, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';

/** The private keys that an X.509-SVID of ours may have. */
export const KEY_TYPES = ['ec-p256', 'ec-p384', 'rsa-2048', 'rsa-3072', 'rsa-4096'] as const;

export type KeyType = (typeof KEY_TYPES)[number];

/**
 * A new private key. It stays in this process unless a file delivery is configured.
 *
 * An EC key takes less than the way to another thread and back; an RSA key takes up to seconds.
 */
export async function makePrivateKey(type: KeyType): Promise<KeyObject> {
  switch (type) {
    case 'ec-p256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    case 'ec-p384':
      return generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
    case 'rsa-2048':
    case 'rsa-3072':
    case 'rsa-4096':
      return (await promisify(generateKeyPair)('rsa', { modulusLength: Number(type.slice('rsa-'.length)) })).privateKey;
    default:
      return type satisfies never;
  }
}
