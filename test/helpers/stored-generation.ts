import { createPrivateKey } from 'node:crypto';
import type { Generation } from '../../src/identity/identity.ts';
import { SpiffeId } from '../../src/identity/spiffe-id.ts';

interface Stored {
  readonly number: number;
  readonly serialNumber: string;
  readonly keyPem: string;
  readonly chain: readonly string[];
  readonly trustBundle: readonly string[];
}

/** A generation as text, so that a child process needs no CA to have one. */
export function storeGeneration(generation: Generation): string {
  const { number, serialNumber, chain, trustBundle } = generation;
  const stored: Stored = {
    number,
    serialNumber,
    keyPem: generation.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    chain: chain.map((der) => der.toString('base64')),
    trustBundle: trustBundle.map((der) => der.toString('base64')),
  };
  return JSON.stringify(stored);
}

export function readStoredGeneration(text: string): Generation {
  const { keyPem, chain, trustBundle, ...rest } = JSON.parse(text) as Stored;
  const [leaf, ...others] = chain.map((base64) => Buffer.from(base64, 'base64'));
  if (leaf === undefined) throw new RangeError('no leaf');
  return {
    ...rest,
    backend: 'ca-1',
    spiffeId: new SpiffeId('default', '/web'),
    privateKey: createPrivateKey(keyPem),
    chain: [leaf, ...others],
    trustBundle: trustBundle.map((base64) => Buffer.from(base64, 'base64')),
    notBefore: new Date(0),
    notAfter: new Date(8.64e15),
    issuedAt: new Date(0),
  };
}
