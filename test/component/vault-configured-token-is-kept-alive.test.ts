import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { eventually } from '../helpers/eventually.ts';
import { configureKongVaultPki } from '../helpers/kong-vault-pki.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { uniqueName } from '../helpers/unique-name.ts';
import { openVaultIssuer } from '../helpers/vault-issuer.ts';

const { vault } = await sharedPeers(t);
const pki = await configureKongVaultPki(vault, {
  mesh: 'default',
  mount: uniqueName('pki'),
  role: { key_type: 'ec', key_bits: '256' },
});
const directory = t.testdir({});

async function createToken(...options: string[]): Promise<string> {
  return (await vault.cli(['token', 'create', '-field=token', ...options])).trim();
}

function open(t: Test, content: string) {
  const path = join(directory, uniqueName('token'));
  writeFileSync(path, content);
  const auth = { method: 'token', token: { kind: 'file', path } } as const;
  const vaultIssuer = openVaultIssuer({ address: vault.address, pki: pki.mount, auth });
  t.teardown(() => vaultIssuer.issuer.close());
  return { vaultIssuer, store: (next: string) => writeFileSync(path, next) };
}

t.test('it signs again and again, is not revoked, and its end is told', async (t) => {
  const token = await createToken(`-policy=${pki.policy}`, '-ttl=2h');
  const { vaultIssuer } = open(t, `${token}\n`);
  await vaultIssuer.issue();
  await vaultIssuer.issue();
  const { expiries, steps } = vaultIssuer.seen;
  await eventually('the end of the token is told', () => expiries.length > 0);
  t.equal(expiries[0]?.kind, 'vault_token');
  t.ok(Math.abs((expiries[0]?.atMs ?? 0) - Date.now() - 7_200_000) < 60_000);
  t.same(steps, ['sign', 'sign'], 'there is no login');
  await vaultIssuer.issuer.close();
  t.equal((await vault.api('POST', 'auth/token/lookup', { token })).status, 200);
});

t.test('one that can be renewed is renewed between certificates', async (t) => {
  const token = await createToken(`-policy=${pki.policy}`, '-ttl=6s');
  const { vaultIssuer } = open(t, token);
  await vaultIssuer.issue();
  const { expiries } = vaultIssuer.seen;
  const first = await eventually('its end is told', () => expiries[0]);
  await eventually('it lives on', () => expiries.some(({ atMs }) => atMs > first.atMs + 3_000));
  t.equal((await vault.api('POST', 'auth/token/lookup', { token })).status, 200);
});

t.test('a revoked one is named; its successor in the file is used', async (t) => {
  const token = await createToken(`-policy=${pki.policy}`);
  const { vaultIssuer, store } = open(t, token);
  await vault.cli(['token', 'revoke', token]);
  t.match(await vaultIssuer.fail(), {
    code: 'ERR_LOGIN_DENIED',
    message: /does not know our token: expired or revoked/,
    remedy: /auth.token/,
  });
  for (const ttlSeconds of [3600, 20, 20]) {
    const next = await createToken(`-policy=${pki.policy}`);
    store(next);
    await t.resolves(vaultIssuer.issue({ ttlSeconds }));
    await vault.cli(['token', 'revoke', next]);
  }
});

t.test('one without the right is told apart from a revoked one', async (t) => {
  const { vaultIssuer } = open(t, await createToken('-policy=default'));
  t.match(await vaultIssuer.fail(), { code: 'ERR_CA_DENIED', message: /may use neither [^,]*$/ });
  const blind = open(t, await createToken('-policy=nothing', '-no-default-policy'));
  t.match(await blind.vaultIssuer.fail(), { code: 'ERR_CA_DENIED', message: /, or has expired$/ });
});

t.test('one that no header can carry is refused here', async (t) => {
  for (const content of ['hvs.can\nary', 'hvs.can ary', 'hvs.canäry', '"hvs.can\tary"']) {
    const { vaultIssuer } = open(t, content);
    const error = await vaultIssuer.fail();
    t.match(error, { code: 'ERR_SOURCE', message: /line break, a blank or another/, remedy: /on one line/ });
    t.notMatch(vaultIssuer.said.join(), /ary/);
  }
  t.match(await open(t, ' \n').vaultIssuer.fail(), { code: 'ERR_SOURCE', message: /empty/ });
});
