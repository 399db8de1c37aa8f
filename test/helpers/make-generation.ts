import type { Generation } from '../../src/identity/identity.ts';
import { type KeyType, makePrivateKey } from '../../src/identity/key-pair.ts';
import { SpiffeId } from '../../src/identity/spiffe-id.ts';
import { verifyIssued } from '../../src/identity/verify.ts';
import { TestCa } from './test-ca.ts';

export interface GenerationOptions {
  readonly number?: number;
  readonly service?: string;
  readonly keyType?: KeyType;
  readonly nowMs?: number;
  readonly lifetimeMs?: number;
}

/** A root and an intermediate of it, which sign generations, all valid from `nowMs` (default: the real now) on. */
export async function openGenerationMaker(nowMs = Date.now()) {
  const validity = { notBefore: new Date(nowMs - 60_000), notAfter: new Date(nowMs + 1000 * 86_400_000) };
  const root = await TestCa.makeRoot('root', validity);
  const intermediate = await root.makeIntermediate('intermediate', validity);
  let made = 0;
  return {
    root,
    async make(options: GenerationOptions = {}): Promise<Generation> {
      made += 1;
      const atMs = options.nowMs ?? nowMs;
      const spiffeId = new SpiffeId('default', `/${options.service ?? 'web'}`);
      const privateKey = await makePrivateKey(options.keyType ?? 'ec-p256');
      const leaf = await intermediate.signLeaf(privateKey, {
        uris: [spiffeId.toString()],
        notBefore: new Date(atMs - 30_000),
        notAfter: new Date(atMs + (options.lifetimeMs ?? 3_600_000)),
      });
      const issued = { chain: [leaf, intermediate.der], roots: [root.der] };
      const { identity } = verifyIssued(issued, { spiffeId, privateKey }, atMs);
      return Object.freeze({ ...identity, number: options.number ?? made, backend: 'ca-1' });
    },
  };
}
