import t from 'tap';
import { configureKongVaultPki } from '../helpers/kong-vault-pki.ts';
import { createKubernetesRole } from '../helpers/kubernetes-auth.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { uniqueName } from '../helpers/unique-name.ts';

const { vault, cluster } = await sharedPeers(t);
const mesh = uniqueName('mesh');
const namespace = uniqueName('demo');
const role = uniqueName('web');
const login = (jwt: string) => vault.api('POST', 'auth/kubernetes/login', { role, jwt });

t.before(async () => {
  const { policy } = await configureKongVaultPki(vault, { mesh });
  await cluster.createNamespace(namespace);
  await cluster.createServiceAccount(namespace, 'web');
  await cluster.createServiceAccount(namespace, 'other');
  await createKubernetesRole(vault, {
    role,
    namespace,
    serviceAccount: 'web',
    audience: 'vault',
    policies: [policy],
    ttlSeconds: 300,
  });
});

t.test('a token for the audience of the role opens the PKI', async (t) => {
  const jwt = await cluster.createToken(namespace, 'web', { audiences: ['vault'], expirationSeconds: 600 });
  const { status, body } = await login(jwt);
  t.equal(status, 200);
  t.equal(body.auth?.lease_duration, 300);
  const token = body.auth?.client_token ?? '';
  const uri = `spiffe://${mesh}/web`;
  const issued = await vault.api('POST', `kuma-pki-${mesh}/issue/dataplanes`, { uri_sans: uri }, { token });
  t.equal(issued.status, 200);
});

t.test('a token for another audience, or of another service account, does not', async (t) => {
  t.equal((await login(await cluster.createToken(namespace, 'web'))).status, 403);
  t.equal((await login(await cluster.createToken(namespace, 'other', { audiences: ['vault'] }))).status, 403);
});

t.test('a token of a service account that was deleted does not', async (t) => {
  await cluster.createServiceAccount(namespace, 'gone');
  const jwt = await cluster.createToken(namespace, 'gone', { audiences: ['vault'] });
  await cluster.deleteServiceAccount(namespace, 'gone');
  t.equal((await login(jwt)).status, 403);
});

t.test('the API server gives no token for less than ten minutes', async (t) => {
  await t.rejects(cluster.createToken(namespace, 'web', { expirationSeconds: 599 }), /422/);
});
