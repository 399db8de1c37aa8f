import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { eventually } from '../helpers/eventually.ts';
import { createKubernetesRole } from '../helpers/kubernetes-auth.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { uniqueName } from '../helpers/unique-name.ts';
import { openVaultIssuer, type VaultIssuer } from '../helpers/vault-issuer.ts';
import { createWorkload, type Workload } from '../helpers/vault-login.ts';
import { openVaultRelay } from '../helpers/vault-relay.ts';

const peers = await sharedPeers(t);
const { vault, cluster } = peers;
const directory = t.testdir({});
const web = await createWorkload(peers, {
  directory,
  policies: ['default'],
  audiences: ['vault'],
  roleAudience: 'vault',
});

function open(auth: Partial<Workload['auth']>, address = vault.address): VaultIssuer {
  return openVaultIssuer({ address, auth: { ...web.auth, ...auth } });
}

function writeToken(jwt: string): string {
  const path = join(directory, uniqueName('token'));
  writeFileSync(path, jwt);
  return path;
}

t.test('what Vault refuses', async (t) => {
  t.match(await open({ role: 'nope' }).fail(), {
    code: 'ERR_LOGIN_DENIED',
    message: /there is no role "nope" in auth\/kubernetes/,
    remedy: /vault list auth\/kubernetes\/role/,
  });
  t.match(await open({ mountPath: 'auth/nope' }).fail(), {
    code: 'ERR_LOGIN_DENIED',
    message: /auth\/nope does not believe the token of .*\/web, .* or is not there/,
    remedy: /vault auth list/,
  });

  await cluster.createServiceAccount(web.namespace, 'other');
  const other = await cluster.createToken(web.namespace, 'other', { audiences: ['vault'] });
  const wrongAccount = await open({ tokenPath: writeToken(other) }).fail();
  t.match(wrongAccount, {
    code: 'ERR_LOGIN_DENIED',
    message: `the role "${web.role}" is not for the service account ${web.namespace}/other`,
    remedy: `vault write auth/kubernetes/role/${web.role} bound_service_account_names=...`,
  });

  const foreign = await createWorkload(peers, { directory, policies: ['default'], audiences: ['vault'] });
  t.match(await open({ tokenPath: foreign.tokenPath }).fail(), {
    code: 'ERR_LOGIN_DENIED',
    message: `the role "${web.role}" is not for the namespace of ${foreign.namespace}/web`,
    remedy: /bound_service_account_namespaces/,
  });

  const misdirected = await cluster.createToken(web.namespace, 'web', { audiences: ['elsewhere'] });
  t.match(await open({ tokenPath: writeToken(misdirected) }).fail(), {
    code: 'ERR_LOGIN_DENIED',
    message: /wants another audience than the token has \(elsewhere\)/,
    remedy: `vault read auth/kubernetes/role/${web.role}`,
  });

  const [head, claims] = web.jwt.split('.');
  t.match(await open({ tokenPath: writeToken(`${head}.${claims}.Zm9yZ2Vk`) }).fail(), {
    code: 'ERR_LOGIN_DENIED',
    message: /does not believe the token/,
  });
});

t.test('Vault that may not review tokens', async (t) => {
  const mount = uniqueName('weak');
  await vault.cli(['auth', 'enable', `-path=${mount}`, 'kubernetes']);
  const auth = { ...web.auth, mountPath: `auth/${mount}` };
  await createKubernetesRole(vault, {
    mount,
    role: web.role,
    namespace: web.namespace,
    serviceAccount: 'web',
    policies: ['default'],
  });
  t.match(await open(auth).fail(), {
    code: 'ERR_LOGIN_DENIED',
    message: `auth/${mount} has not been told of a cluster yet`,
    remedy: `vault write auth/${mount}/config`,
  });
  await vault.cli([
    'write',
    `auth/${mount}/config`,
    `kubernetes_host=${cluster.url}`,
    `kubernetes_ca_cert=@${cluster.caFile}`,
    'disable_local_ca_jwt=true',
  ]);
  t.match(await open(auth).fail(), { code: 'ERR_LOGIN_DENIED', remedy: /system:auth-delegator/ });
});

t.test('what is named before anything is sent', async (t) => {
  const relay = await openVaultRelay(vault.address);
  t.teardown(() => relay.close());
  const expired = open({}, relay.address);
  expired.shiftClock(2 * 60 * 60 * 1000);
  t.match(await expired.fail(), { code: 'ERR_SOURCE', message: /expired at .*; our clock shows/, remedy: /projected/ });
  t.match(await open({ audience: 'api' }, relay.address).fail(), {
    code: 'ERR_LOGIN_DENIED',
    message: /is for "vault", not for the audience "api"/,
  });
  t.match(await open({ tokenPath: '/nowhere/token' }, relay.address).fail(), {
    code: 'ERR_SOURCE',
    message: /no service-account token.*cannot read \/nowhere\/token: no such file/,
    remedy: /project a serviceAccountToken volume/,
  });
  t.match(await open({ tokenPath: writeToken(' \n') }, relay.address).fail(), {
    code: 'ERR_SOURCE',
    message: /is empty/,
  });
  t.match(await open({ tokenPath: writeToken('hvs.notajwt') }, relay.address).fail(), {
    code: 'ERR_SOURCE',
    message: /not a service-account token/,
  });
  t.same(relay.calls, []);
});

t.test('Vault that sees an expired token is compared by the clocks', async (t) => {
  const [head = '', claims = '', signature = ''] = web.jwt.split('.');
  const old = { ...JSON.parse(Buffer.from(claims, 'base64url').toString()), exp: Math.floor(Date.now() / 1000) - 3600 };
  const jwt = [head, Buffer.from(JSON.stringify(old)).toString('base64url'), signature].join('.');
  const behind = open({ tokenPath: writeToken(jwt) });
  behind.shiftClock(-2 * 60 * 60 * 1000);
  t.match(await behind.fail(), { code: 'ERR_LOGIN_DENIED', message: /by its clock/, remedy: /compare the clocks/ });
});

t.test('a token that Vault forgets before it is used', async (t) => {
  const relay = await openVaultRelay(vault.address);
  t.teardown(() => relay.close());
  relay.hold('/sign/dataplanes');
  const failed = open({}, relay.address).fail();
  const signing = await eventually('it is signing', () => relay.calls.find(({ path }) => path.includes('/sign/')));
  await vault.cli(['token', 'revoke', String(signing.headers['x-vault-token'])]);
  relay.release();
  t.match(await failed, { code: 'ERR_CA_UNAVAILABLE', retry: 'soon', message: /does not know the token it has just/ });
});
