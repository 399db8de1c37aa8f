import t, { type Test } from 'tap';
import { SpiffeId } from '../../src/identity/spiffe-id.ts';
import { eventually } from '../helpers/eventually.ts';
import { configureKongVaultPki } from '../helpers/kong-vault-pki.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { uniqueName } from '../helpers/unique-name.ts';
import { openVaultIssuer } from '../helpers/vault-issuer.ts';
import { createWorkload } from '../helpers/vault-login.ts';
import { openVaultRelay } from '../helpers/vault-relay.ts';

const peers = await sharedPeers(t);
const { vault } = peers;
const role = { key_type: 'ec', key_bits: '256' };
const pki = await configureKongVaultPki(vault, { mesh: 'default', mount: uniqueName('pki'), role });
const workload = await createWorkload(peers, { directory: t.testdir({}), policies: [pki.policy] });

async function setUp(t: Test) {
  const relay = await openVaultRelay(vault.address);
  t.teardown(() => relay.close());
  const vaultIssuer = openVaultIssuer({ address: relay.address, pki: pki.mount, auth: workload.auth });
  const token = () => String(relay.calls.findLast(({ path }) => path.includes('/sign/'))?.headers['x-vault-token']);
  const isKnown = async () => (await vault.api('POST', 'auth/token/lookup', { token: token() })).status === 200;
  return { relay, vaultIssuer, isKnown };
}

t.test('a failed issue gives its token back too', async (t) => {
  const { vaultIssuer, isKnown } = await setUp(t);
  t.equal((await vaultIssuer.fail({ spiffeId: new SpiffeId('elsewhere', '/web') })).code, 'ERR_CA_REFUSED');
  await eventually('the token is revoked', async () => !(await isKnown()));
});

t.test('close in the middle of an issue ends it, and the token is given back', async (t) => {
  const { relay, vaultIssuer, isKnown } = await setUp(t);
  relay.hold('/sign/dataplanes');
  const failed = vaultIssuer.fail();
  await eventually('it is signing', () => relay.calls.some(({ path }) => path.includes('/sign/')));
  t.ok(await isKnown());
  await vaultIssuer.issuer.close();
  t.match(await failed, { message: /gave up .* while signing: we are stopping/ });
  t.notOk(await isKnown());
  relay.release();
});

t.test('the result does not wait for the token to be given back; close waits half a second at most', async (t) => {
  const { relay, vaultIssuer } = await setUp(t);
  relay.hold('/revoke-self');
  await vaultIssuer.issue();
  const startedAtMs = performance.now();
  await vaultIssuer.issuer.close();
  const tookMs = performance.now() - startedAtMs;
  t.ok(tookMs >= 400 && tookMs < 2000, `close took ${tookMs} ms`);
  relay.release();
  await t.resolves(vaultIssuer.issuer.close(), 'may be called again');
});

t.test('a closed issuer issues nothing', async (t) => {
  const { relay, vaultIssuer } = await setUp(t);
  await vaultIssuer.issuer.close();
  t.match(await vaultIssuer.fail(), { message: /we are stopping/ });
  t.same(relay.calls, []);
});
