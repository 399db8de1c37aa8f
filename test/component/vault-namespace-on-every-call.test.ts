/**
 * Namespaces are of Vault Enterprise. In its place stands a relay before the real Vault, which has the namespace `team/a/`
 * and takes the header away: paths outside of a namespace are all that it leaves out.
 *
 * @module
 */
import { join } from 'node:path';
import t from 'tap';
import { countCertificates } from '../helpers/count-certificates.ts';
import { eventually } from '../helpers/eventually.ts';
import { configureKongVaultPki } from '../helpers/kong-vault-pki.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { uniqueName } from '../helpers/unique-name.ts';
import { openVaultIssuer } from '../helpers/vault-issuer.ts';
import { createWorkload } from '../helpers/vault-login.ts';
import { openVaultRelay, type RelayedCall } from '../helpers/vault-relay.ts';

const NAMESPACE = 'team/a/';
const peers = await sharedPeers(t);
const { vault } = peers;
const { mount, policy } = await configureKongVaultPki(vault, {
  mesh: 'default',
  mount: uniqueName('pki'),
  grant: 'issue',
  role: { key_type: 'ec', key_bits: '256' },
});
const { auth } = await createWorkload(peers, { directory: join(temporaryDirectory(t)), policies: [policy] });
const relay = await openVaultRelay(vault.address, { intercept: refuseOthers });
t.teardown(() => relay.close());
const never = new AbortController().signal;

/** As Vault Enterprise: what is in a namespace is nowhere else, and the system's health is in none. */
function refuseOthers({ path, headers }: RelayedCall) {
  const given = headers['x-vault-namespace'];
  if (path.startsWith('sys/')) {
    return given === undefined ? undefined : { status: 400, body: { errors: ['unavailable operation'] } };
  }
  const isThere = String(given ?? '').replace(/\/?$/, '/') === NAMESPACE;
  return isThere ? undefined : { status: 403, body: { errors: ['permission denied'] } };
}

function open(namespace: string | undefined) {
  const vaultIssuer = openVaultIssuer({ address: relay.address, pki: mount, auth, namespace });
  t.teardown(() => vaultIssuer.issuer.close());
  return vaultIssuer;
}

t.test('every call of an issue says the namespace: login, sign, issue, revoke', async (t) => {
  await t.resolves(open('team/a').issue());
  const wanted = [
    `${auth.mountPath}/login`,
    `${mount}/sign/dataplanes`,
    `${mount}/issue/dataplanes`,
    'auth/token/revoke-self',
  ];
  await eventually('the token is given back', () => relay.calls.some(({ path }) => path === wanted.at(-1)));
  t.same(
    relay.calls.map(({ path, headers }) => [path, headers['x-vault-namespace']]),
    wanted.map((path) => [path, 'team/a']),
  );
});

t.test("so does a look at the CA, and the system's health is asked for outside", async (t) => {
  relay.calls.length = 0;
  const { issuer } = open('team/a');
  await issuer.probe(never);
  await issuer.readRoots(never);
  t.same(
    relay.calls.map(({ path, headers }) => [path, headers['x-vault-namespace']]),
    [
      ['sys/health?standbyok=true&perfstandbyok=true', undefined],
      [`${mount}/cert/ca_chain`, 'team/a'],
      [`${mount}/cert/ca_chain`, 'team/a'],
    ],
  );
});

t.test('without it, or with another, nothing is issued', async (t) => {
  const before = await countCertificates(vault, mount);
  for (const namespace of [undefined, 'team/b']) {
    t.match(await open(namespace).fail(), { code: 'ERR_LOGIN_DENIED' });
    await t.rejects(open(namespace).issuer.probe(never), { code: 'ERR_CA_REFUSED', message: /no PKI engine at/ });
  }
  t.equal(await countCertificates(vault, mount), before);
});
