import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { makeCaIssuer } from '../helpers/cert-manager.ts';
import { makeTenant } from '../helpers/cert-manager-tenant.ts';
import { openCertManagerIssuer } from '../helpers/certmanager-issuer.ts';
import { eventually } from '../helpers/eventually.ts';
import { makeServiceAccount } from '../helpers/service-account.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { inForce, TestCa } from '../helpers/test-ca.ts';

const { cluster } = await sharedPeers(t);
const root = await TestCa.makeRoot('root', inForce());
const tenant = await makeTenant(t, cluster);
await makeCaIssuer(cluster, root, tenant);
const { signal } = new AbortController();

t.test('an issuer that is not there', async (t) => {
  const config = { ...tenant.config, issuerRef: { ...tenant.config.issuerRef, name: 'nobody' } };
  const { issuer, fail } = openCertManagerIssuer(config);
  t.teardown(() => issuer.close());
  const error = await fail();
  // Waited for until the time limit, it would be told as not signed.
  t.match(error, { reason: 'ca_refused_unknown_issuer', remedy: /kubectl get issuers -n / });
  t.match(error.message, /^cert-manager has no Issuer "nobody"$/);
  // The role that setup prints is for the issuer of the configuration, so this one is hidden from us.
  await t.resolves(issuer.probe(signal));
});

t.test('an issuer that is not ready', async (t) => {
  const issuers = `/apis/cert-manager.io/v1/namespaces/${tenant.namespace}/issuers`;
  const issuer = {
    apiVersion: 'cert-manager.io/v1',
    kind: 'Issuer',
    metadata: { name: 'ill' },
    spec: { ca: { secretName: 'nowhere' } },
  };
  await cluster.api('POST', issuers, issuer);
  await tenant.account.grant([{ apiGroups: ['cert-manager.io'], resources: ['issuers'], verbs: ['get'] }]);
  const config = { ...tenant.config, issuerRef: { ...tenant.config.issuerRef, name: 'ill' } };
  const opened = openCertManagerIssuer(config, { requestTimeoutMs: 1_000 });
  t.teardown(() => opened.issuer.close());
  const error = await opened.fail();
  t.match(error, { reason: 'ca_unavailable_not_signed', retry: 'soon' });
  t.match(error.line, /did not sign within 1 s: "Referenced issuer does not have a Ready status condition"/);
  const probed = await opened.issuer.probe(signal).catch((thrown: unknown) => thrown);
  t.match(probed, { reason: 'ca_unavailable_issuer_not_ready', message: /is not ready: ".*nowhere.*not found/ });
  const missing = { ...config, issuerRef: { ...config.issuerRef, name: 'nobody' } };
  const other = openCertManagerIssuer(missing).issuer;
  t.teardown(() => other.close());
  await t.rejects(other.probe(signal), { code: 'ERR_CA_REFUSED', detail: 'unknown_issuer' });
});

t.test('a request that nobody approves', async (t) => {
  const unapproved = await makeTenant(t, cluster, { approves: false });
  await makeCaIssuer(cluster, root, unapproved);
  const { issuer, fail } = openCertManagerIssuer(unapproved.config, { requestTimeoutMs: 1_000 });
  t.teardown(() => issuer.close());
  const error = await fail();
  t.match(error, { reason: 'ca_refused_not_approved', retry: 'slowly' });
  t.match(error.message, /^the request to Issuer "mesh-ca" was not approved yet by .* within 1 s$/);
  t.match(error.remedy, /let a policy allow spiffe:\/\/default\/web, as meshcert setup certmanager shows/);
  await eventually('it is taken away', async () => (await unapproved.listRequests()).length === 0);
});

t.test('a service account that nobody granted anything', async (t) => {
  const account = await makeServiceAccount(cluster, tenant.directory, { namespace: tenant.namespace, name: 'poor' });
  const { issuer, fail } = openCertManagerIssuer({ ...tenant.config, access: account.access });
  t.teardown(() => issuer.close());
  const error = await fail();
  t.equal(error.reason, 'ca_denied');
  t.match(
    error.remedy,
    `grant it in a Role of the namespace "${tenant.namespace}": {apiGroups: ["cert-manager.io"], resources: ["certificaterequests"], verbs: ["create"]}`,
  );
});

t.test('a token that ended, until the kubelet writes the next one', async (t) => {
  const { account } = tenant;
  const file = join(account.access.directory, 'token');
  const good = readFileSync(file, 'utf8');
  const { issuer, issue, fail } = openCertManagerIssuer(tenant.config);
  t.teardown(() => issuer.close());
  writeFileSync(file, `${good.split('.').slice(0, 2).join('.')}.c2lnbmF0dXJl`);
  const error = await fail();
  t.equal(error.reason, 'login_denied');
  t.notMatch(error.line, good.slice(0, 20), 'the token is not told');
  writeFileSync(file, '');
  t.match(await fail(), { code: 'ERR_SOURCE', message: /token is empty, or not what the kubelet writes there$/ });
  writeFileSync(file, good);
  await t.resolves(issue(), 'read anew for each call');
});

t.test('given up while it waits, it is taken away', async (t) => {
  const unapproved = await makeTenant(t, cluster, { approves: false });
  await makeCaIssuer(cluster, root, unapproved);
  const { issuer, fail } = openCertManagerIssuer(unapproved.config);
  t.teardown(() => issuer.close());
  const stop = new AbortController();
  const failing = fail(stop.signal);
  await eventually('it is there', async () => (await unapproved.listRequests()).length === 1);
  stop.abort();
  t.match(await failing, { code: 'ERR_CA_UNAVAILABLE', message: 'the request for a certificate was given up' });
  await issuer.close();
  t.same(await unapproved.listRequests(), [], 'before close is done');
});

t.test('what a crash leaves behind goes with the pod', async (t) => {
  const { namespace, account } = tenant;
  const pod = {
    metadata: { name: 'web-0' },
    spec: { serviceAccountName: account.name, containers: [{ name: 'web', image: 'web' }] },
  };
  const made = await cluster.api<{ metadata: { uid: string } }>('POST', `/api/v1/namespaces/${namespace}/pods`, pod);
  t.equal(made.status, 201, JSON.stringify(made.body));
  const spec = { boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'web-0', uid: made.body.metadata.uid } };
  const tokens = `/api/v1/namespaces/${namespace}/serviceaccounts/${account.name}/token`;
  const bound = await cluster.api<{ status: { token: string } }>('POST', tokens, { spec });
  writeFileSync(join(account.access.directory, 'token'), bound.body.status.token);

  const config = { ...tenant.config, issuerRef: { ...tenant.config.issuerRef, name: 'ill' } };
  const { issuer, fail } = openCertManagerIssuer(config, { requestTimeoutMs: 2_000 });
  t.teardown(() => issuer.close());
  const failing = fail();
  const path = `/apis/cert-manager.io/v1/namespaces/${namespace}/certificaterequests`;
  const [request] = await eventually('it is there', async () => {
    const { body } = await cluster.api<{ items: { metadata: { ownerReferences?: unknown[] } }[] }>('GET', path);
    return body.items.length > 0 && body.items;
  });
  t.match(request?.metadata.ownerReferences, [{ kind: 'Pod', name: 'web-0', uid: made.body.metadata.uid }]);
  await failing;
});
