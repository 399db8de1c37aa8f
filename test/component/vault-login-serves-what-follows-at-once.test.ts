import t, { type Test } from 'tap';
import { systemClock } from '../../src/clock.ts';
import { SpiffeId } from '../../src/identity/spiffe-id.ts';
import { issueIdentity } from '../../src/rotation/issue-identity.ts';
import { eventually } from '../helpers/eventually.ts';
import { configureKongVaultPki, type KongVaultPki } from '../helpers/kong-vault-pki.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { uniqueName } from '../helpers/unique-name.ts';
import { openVaultIssuer } from '../helpers/vault-issuer.ts';
import { createWorkload } from '../helpers/vault-login.ts';
import { openVaultRelay } from '../helpers/vault-relay.ts';

const peers = await sharedPeers(t);
const { vault } = peers;
const directory = t.testdir({});

async function setUp(t: Test, pki: KongVaultPki) {
  const workload = await createWorkload(peers, { directory, policies: [pki.policy] });
  const relay = await openVaultRelay(vault.address);
  const vaultIssuer = openVaultIssuer({ address: relay.address, pki: pki.mount, auth: workload.auth });
  t.teardown(async () => {
    await vaultIssuer.issuer.close();
    await relay.close();
  });
  const asked = () => relay.calls.map(({ path }) => path.replace(pki.mount, 'pki').split('/').slice(-2).join('/'));
  const lastToken = () => String(relay.calls.findLast(({ path }) => path.includes('/sign/'))?.headers['x-vault-token']);
  const isKnown = async (token: string) => (await vault.api('POST', 'auth/token/lookup', { token })).status === 200;
  return { ...workload, vaultIssuer, asked, lastToken, isKnown };
}

const rsaOnly = await configureKongVaultPki(vault, { mesh: 'default', mount: uniqueName('pki') });
const ec = await configureKongVaultPki(vault, {
  mesh: 'default',
  mount: uniqueName('pki'),
  role: { key_type: 'ec', key_bits: '256' },
});
const SIGN = 'sign/dataplanes';
const LOGIN = 'kubernetes/login';
const REVOKE = 'token/revoke-self';

t.test(
  'a CA that demands another type of key is asked again with the same login, which is then given back',
  async (t) => {
    const { vaultIssuer, asked, lastToken, isKnown } = await setUp(t, rsaOnly);
    const wanted = {
      spiffeId: new SpiffeId('default', '/web'),
      keyType: 'ec-p256',
      mayChangeKeyType: true,
      ttlSeconds: 3600,
    } as const;
    const { identity, keyType } = await issueIdentity(
      wanted,
      { issuer: vaultIssuer.issuer, clock: systemClock },
      new AbortController().signal,
    );
    t.equal(keyType, 'rsa-2048');
    t.equal(identity.privateKey.asymmetricKeyType, 'rsa');
    await eventually('the token is given back', async () => !(await isKnown(lastToken())));
    t.same(asked(), [LOGIN, SIGN, SIGN, REVOKE]);
  },
);

t.test('nobody asks again: it is given back all the same', async (t) => {
  const { vaultIssuer, asked, lastToken, isKnown } = await setUp(t, rsaOnly);
  t.equal((await vaultIssuer.fail()).code, 'ERR_KEY_TYPE');
  t.ok(await isKnown(lastToken()));
  await vaultIssuer.issuer.close();
  t.notOk(await isKnown(lastToken()));
  t.same(asked(), [LOGIN, SIGN, REVOKE]);
});

t.test('certificates of seconds share one login', async (t) => {
  const { vaultIssuer, asked, lastToken, isKnown } = await setUp(t, ec);
  for (let issues = 0; issues < 3; issues += 1) await vaultIssuer.issue({ ttlSeconds: 20 });
  t.same(asked(), [LOGIN, SIGN, SIGN, SIGN]);
  await vaultIssuer.issuer.close();
  t.notOk(await isKnown(lastToken()), 'and it is given back in the end');
});

t.test('a login that ended meanwhile is replaced', async (t) => {
  const { vaultIssuer, asked, lastToken } = await setUp(t, ec);
  await vaultIssuer.issue({ ttlSeconds: 20 });
  await vault.cli(['token', 'revoke', lastToken()]);
  await t.resolves(vaultIssuer.issue({ ttlSeconds: 20 }));
  t.same(
    asked().filter((path) => path !== REVOKE),
    [LOGIN, SIGN, SIGN, LOGIN, SIGN],
  );
});

t.test('a login whose rights are those of yesterday is replaced, and given back', async (t) => {
  const { vaultIssuer, role, lastToken, isKnown } = await setUp(t, ec);
  const policy = uniqueName('later');
  const grant = (endpoint: string) =>
    vault.cli(['policy', 'write', policy, '-'], {
      stdin: `path "${ec.mount}/${endpoint}/dataplanes" { capabilities = ["update"] }`,
    });
  await grant('sign');
  await vault.cli(['write', `auth/kubernetes/role/${role}`, `token_policies=${policy}`]);
  await vaultIssuer.issue({ ttlSeconds: 20 });
  const first = lastToken();
  await grant('nothing');
  await vault.cli(['write', `auth/kubernetes/role/${role}`, `token_policies=${ec.policy}`]);
  await t.resolves(vaultIssuer.issue({ ttlSeconds: 20 }));
  t.not(lastToken(), first);
  await eventually('the first is given back', async () => !(await isKnown(first)));
});
