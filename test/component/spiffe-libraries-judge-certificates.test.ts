import t, { type Test } from 'tap';
import { makeCsr } from '../../src/identity/csr.ts';
import type { Identity } from '../../src/identity/identity.ts';
import { makePrivateKey } from '../../src/identity/key-pair.ts';
import { verifyIssued } from '../../src/identity/verify.ts';
import { openTestBuiltin } from '../helpers/builtin.ts';
import { configureKongVaultPki } from '../helpers/kong-vault-pki.ts';
import { setUpTokenMesh } from '../helpers/setup-vault.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { type SpiffeEvent, WATCHERS, watchWorkloadApi } from '../helpers/spiffe-client.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { uniqueName } from '../helpers/unique-name.ts';
import { openVaultIssuer } from '../helpers/vault-issuer.ts';
import { makeWorkloadApiBench } from '../helpers/workload-api-bench.ts';

const LIBRARIES = Object.keys(WATCHERS) as (keyof typeof WATCHERS)[];

/** What each library makes of an identity, in the order of {@link LIBRARIES}. */
async function judge(t: Test, identity: Identity): Promise<SpiffeEvent[]> {
  const bench = makeWorkloadApiBench(t);
  const delivery = await bench.open();
  await delivery.deliver({ ...identity, number: 1, backend: 'ca-1' });
  return Promise.all(
    LIBRARIES.map(async (library) => {
      const client = await watchWorkloadApi(t, library, bench.path);
      return client.waitFor('it has judged', () => true);
    }),
  );
}

const ACCEPTED = LIBRARIES.map(() => ({ event: 'context', svids: [{ verified: true }] }));

t.test('the embedded CA: accepted', async (t) => {
  for (const keyType of ['ec-p256', 'ec-p384', 'rsa-2048'] as const) {
    const { issuer, spiffeId, clock } = openTestBuiltin(t.testdir({}));
    const privateKey = await makePrivateKey(keyType);
    const ask = { spiffeId, makeCsr: async () => makeCsr(spiffeId, privateKey), keyType, ttlSeconds: 3600 };
    const issued = await issuer.issue(ask, new AbortController().signal);
    const { identity } = verifyIssued(issued, { spiffeId, privateKey }, clock.nowMs());
    t.match(await judge(t, identity), ACCEPTED, keyType);
  }
});

t.test('a Vault set up by Kong Mesh, whose role gives no key usage: refused, until the role is mended', async (t) => {
  const { vault } = await sharedPeers(t);
  const role = { key_type: 'any' };
  const pki = await configureKongVaultPki(vault, { mesh: 'default', mount: uniqueName('pki'), role });
  const { issuer, issue } = openVaultIssuer({ address: vault.address, auth: vault.rootToken, pki: pki.mount });
  t.teardown(() => issuer.close());
  t.match(await judge(t, (await issue()).identity), [
    { event: 'error', error: /KeyUsage|key ?usage|digitalSignature/i },
    { event: 'failed', error: /KeyUsage|key ?usage|digitalSignature/i },
  ]);
  await vault.cli([
    'patch',
    `${pki.mount}/roles/${pki.role}`,
    'key_usage=DigitalSignature,KeyEncipherment,KeyAgreement',
  ]);
  t.match(await judge(t, (await issue()).identity), ACCEPTED);
});

t.test('a Vault set up by meshcert: accepted, from a root and from an intermediate', async (t) => {
  const { vault } = await sharedPeers(t);
  const directory = temporaryDirectory(t);
  const root = await setUpTokenMesh(vault, directory);
  const below = await setUpTokenMesh(vault, directory, ['--root-mount', root.pki]);
  for (const { pki, tokenFile } of [root, below]) {
    const auth = { method: 'token', token: { kind: 'file', path: tokenFile } } as const;
    const { issuer, issue } = openVaultIssuer({ address: vault.address, auth, pki });
    t.teardown(() => issuer.close());
    const { identity } = await issue();
    t.match(await judge(t, identity), ACCEPTED);
  }
});
