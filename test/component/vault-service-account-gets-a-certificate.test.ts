import { readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { eventually } from '../helpers/eventually.ts';
import { configureKongVaultPki } from '../helpers/kong-vault-pki.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { uniqueName } from '../helpers/unique-name.ts';
import { openVaultIssuer } from '../helpers/vault-issuer.ts';
import { createWorkload } from '../helpers/vault-login.ts';
import { openVaultRelay } from '../helpers/vault-relay.ts';

const peers = await sharedPeers(t);
const { vault } = peers;

t.test('on an EC role: one login, one sign, one connection, and the token is given back', async (t) => {
  const pki = await configureKongVaultPki(vault, {
    mesh: 'default',
    mount: uniqueName('pki'),
    role: { key_type: 'ec', key_bits: '256' },
  });
  const workload = await createWorkload(peers, {
    directory: t.testdir({}),
    policies: [pki.policy],
    audiences: ['vault'],
    roleAudience: 'vault',
  });
  const relay = await openVaultRelay(vault.address);
  t.teardown(() => relay.close());
  const vaultIssuer = openVaultIssuer({
    address: relay.address,
    namespace: 'team-a/',
    pki: pki.mount,
    auth: { ...workload.auth, audience: 'vault' },
  });

  const { identity, issued } = await vaultIssuer.issue({ ttlSeconds: 600 });
  t.equal(String(identity.spiffeId), 'spiffe://default/web');
  t.equal(issued.privateKeyPem, undefined, 'the key stays here');
  t.match(
    identity.trustBundle.map((der) => der.toString('base64')),
    [pki.rootPem.replace(/-----.*?-----|\n/g, '')],
  );
  const livesSeconds = (identity.notAfter.getTime() - Date.now()) / 1000;
  t.ok(livesSeconds > 590 && livesSeconds <= 601, `lives ${livesSeconds} s`);

  await eventually('the token is given back', () => relay.calls.length === 3);
  t.same(
    relay.calls.map(({ method, path }) => `${method} ${path}`),
    ['POST auth/kubernetes/login', `POST ${pki.mount}/sign/dataplanes`, 'POST auth/token/revoke-self'],
  );
  t.equal(relay.connections(), 1);
  for (const { headers } of relay.calls) {
    t.match(headers, { 'x-vault-request': 'true', 'x-vault-namespace': 'team-a/' });
  }
  t.equal(relay.calls[0]?.headers['x-vault-token'], undefined, 'nobody is asked for by a stale token');
  t.match(relay.calls[1]?.body, { ttl: '600s', uri_sans: 'spiffe://default/web', common_name: undefined });

  const token = String(relay.calls[1]?.headers['x-vault-token']);
  await eventually('Vault no longer knows the token', async () => {
    return (await vault.api('POST', 'auth/token/lookup', { token })).status === 403;
  });

  t.same(vaultIssuer.seen.steps, ['login', 'sign']);
  t.match(vaultIssuer.seen.expiries, [{ kind: 'service_account_token' }]);
  const inSeconds = ((vaultIssuer.seen.expiries[0]?.atMs ?? 0) - Date.now()) / 1000;
  t.ok(inSeconds > 3500 && inSeconds <= 3600, `the service-account token ends in ${inSeconds} s`);
  t.ok(Math.abs(vaultIssuer.seen.skewSeconds[0] ?? 99) <= 1, 'Vault runs on the same clock');
  await vaultIssuer.issuer.close();
});

t.test('the role of the Kong Mesh document signs RSA keys and names that', async (t) => {
  const pki = await configureKongVaultPki(vault, { mesh: 'default', mount: uniqueName('pki') });
  const workload = await createWorkload(peers, { directory: t.testdir({}), policies: [pki.policy] });
  const vaultIssuer = openVaultIssuer({ address: vault.address, pki: pki.mount, auth: workload.auth });
  const error = await vaultIssuer.fail();
  t.match(error, { code: 'ERR_KEY_TYPE', detail: 'rsa-2048', message: /signs only rsa keys, ours is ec-p256/ });
  const command = /run: (vault patch .*)$/.exec(error.remedy ?? '')?.[1] ?? 'false';
  const { identity } = await vaultIssuer.issue({ keyType: 'rsa-2048' });
  t.equal(identity.privateKey.asymmetricKeyType, 'rsa');

  await vault.shell(command);
  t.equal((await vaultIssuer.issue()).identity.privateKey.asymmetricKeyType, 'ec', 'the remedy helps');
  await vaultIssuer.issuer.close();
});

t.test('the token file is read anew at each login', async (t) => {
  const pki = await configureKongVaultPki(vault, { mesh: 'default', mount: uniqueName('pki') });
  const workload = await createWorkload(peers, { directory: t.testdir({}), policies: [pki.policy] });
  const { tokenPath } = workload;
  const relay = await openVaultRelay(vault.address);
  t.teardown(() => relay.close());
  const vaultIssuer = openVaultIssuer({ address: relay.address, pki: pki.mount, auth: workload.auth });
  await vaultIssuer.issue({ keyType: 'rsa-2048' });
  const renewed = await peers.cluster.createToken(workload.namespace, 'web', { expirationSeconds: 7200 });
  t.not(renewed, readFileSync(tokenPath, 'utf8').trim());
  writeFileSync(tokenPath, renewed);
  await vaultIssuer.issue({ keyType: 'rsa-2048' });
  const jwts = relay.calls.filter(({ path }) => path.endsWith('/login')).map(({ body }) => body.jwt);
  t.same(jwts, [workload.jwt, renewed]);
  await vaultIssuer.issuer.close();
});

t.test('a batch token, which cannot be revoked, is let lapse', async (t) => {
  const pki = await configureKongVaultPki(vault, { mesh: 'default', mount: uniqueName('pki') });
  const workload = await createWorkload(peers, { directory: t.testdir({}), policies: [pki.policy] });
  await vault.cli(['write', `auth/kubernetes/role/${workload.role}`, 'token_type=batch']);
  const relay = await openVaultRelay(vault.address);
  t.teardown(() => relay.close());
  const vaultIssuer = openVaultIssuer({ address: relay.address, pki: pki.mount, auth: workload.auth });
  await vaultIssuer.issue({ keyType: 'rsa-2048' });
  await vaultIssuer.issuer.close();
  t.same(
    relay.calls.map(({ path }) => path),
    ['auth/kubernetes/login', `${pki.mount}/sign/dataplanes`],
  );
});
