import { generateKeyPair as generate, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';

/** The private keys that an X.509-SVID of ours may have. */
export const KEY_TYPES = ['ec-p256', 'ec-p384', 'rsa-2048', 'rsa-3072', 'rsa-4096'] as const;

export type KeyType = (typeof KEY_TYPES)[number];

/** A new private key. It stays in this process unless a file delivery is configured. */
export async function makePrivateKey(type: KeyType): Promise<KeyObject> {
  const generateKeyPair = promisify(generate);
  switch (type) {
    case 'ec-p256':
      return (await generateKeyPair('ec', { namedCurve: 'P-256' })).privateKey;
    case 'ec-p384':
      return (await generateKeyPair('ec', { namedCurve: 'P-384' })).privateKey;
    case 'rsa-2048':
    case 'rsa-3072':
    case 'rsa-4096':
      return (await generateKeyPair('rsa', { modulusLength: Number(type.slice('rsa-'.length)) })).privateKey;
    default:
      return type satisfies never;
  }
}
