import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { findCondition, SVID_USAGES } from '../../src/kubernetes/signing-request.ts';
import type { Denial } from '../../src/signer/judge.ts';
import { eventually } from '../helpers/eventually.ts';
import { type CsrOptions, makeOpensslCsr } from '../helpers/openssl-csr.ts';
import { requestJson } from '../helpers/request-json.ts';
import type { ServiceAccount } from '../helpers/service-account.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { makeSignerCluster, runSigner } from '../helpers/signer-cluster.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { uniqueName } from '../helpers/unique-name.ts';

const { cluster } = await sharedPeers(t);
const place = await makeSignerCluster(cluster, temporaryDirectory(t));
const { mesh, workloads, web } = place;
const running = await runSigner(t, place);
const own = `URI:spiffe://${mesh}/ns/${workloads}/sa/web`;
const EC_521 = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-521'];

interface Asked extends CsrOptions {
  readonly usages?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
  /** Further keys of `spec`. */
  readonly spec?: Readonly<Record<string, unknown>>;
}

const token = ({ access }: ServiceAccount) => readFileSync(join(access.directory, 'token'), 'utf8');

/** Makes a request as a workload, or as the administrator. */
async function ask({ usages = SVID_USAGES, annotations = {}, spec = {}, ...csr }: Asked, bearer = token(web)) {
  const name = uniqueName('csr');
  const request = Buffer.from(await makeOpensslCsr(csr)).toString('base64');
  const { status, body } = await requestJson(`${cluster.url}/apis/certificates.k8s.io/v1/certificatesigningrequests`, {
    method: 'POST',
    caPem: cluster.caPem,
    headers: { authorization: `Bearer ${bearer}` },
    body: {
      metadata: { name, annotations },
      spec: { request, signerName: place.signerName, usages, expirationSeconds: 3600, ...spec },
    },
  });
  if (status !== 201) throw new Error(`${status} ${JSON.stringify(body)}`);
  return name;
}

/** Waits until a request has ended, one way or another. */
const waitForEnd = (name: string) =>
  eventually('the request is answered', async () => {
    const request = await place.readRequest(name);
    const isRefused = findCondition(request, 'Denied') ?? findCondition(request, 'Failed');
    return isRefused !== undefined || request.status?.certificate !== undefined ? request : undefined;
  });

t.test('its own identity, and nothing beside it, is signed', async (t) => {
  const request = await waitForEnd(await ask({ names: own }));
  t.ok(request.status?.certificate);
  t.match(findCondition(request, 'Approved')?.message, `spiffe://${mesh}/ns/${workloads}/sa/web`);
});

const DENIED: readonly [what: string, reason: Denial, asked: Asked, says?: string][] = [
  ['another service', 'OtherIdentity', { names: `${own}2` }, `spiffe://${mesh}/ns/${workloads}/sa/web2`],
  ['another namespace', 'OtherIdentity', { names: `URI:spiffe://${mesh}/ns/kube-system/sa/web` }],
  ['another trust domain', 'OtherIdentity', { names: `URI:spiffe://other/ns/${workloads}/sa/web` }],
  ['a longer path', 'OtherIdentity', { names: `${own}/admin` }],
  ['the trust domain itself', 'OtherIdentity', { names: `URI:spiffe://${mesh}` }],
  ['no identity', 'OtherIdentity', {}],
  ['two URIs', 'SeveralUris', { names: `${own},URI:spiffe://${mesh}/ns/${workloads}/sa/other` }],
  ['its own URI twice', 'SeveralUris', { names: `${own},${own}` }],
  ['a DNS name added', 'NameNotAllowed', { names: `${own},DNS:api.${workloads}.svc` }, 'a DNS name'],
  ['an IP address added', 'NameNotAllowed', { names: `${own},IP:10.0.0.1` }, 'an IP address'],
  ['an e-mail address added', 'NameNotAllowed', { names: `${own},email:root@example.org` }, 'an e-mail address'],
  ['being a CA', 'CaAskedFor', { names: own, extensions: ['basicConstraints = critical,CA:TRUE'] }],
  ['a key usage of a CA', 'ExtensionNotAllowed', { names: own, extensions: ['keyUsage = keyCertSign'] }, '2.5.29.15'],
  ['another purpose', 'ExtensionNotAllowed', { names: own, extensions: ['extendedKeyUsage = codeSigning'] }],
  ['a subject', 'SubjectNotEmpty', { names: own, subject: 'CN = admin' }],
  ['usages of a CA', 'UsagesNotAllowed', { names: own, usages: [...SVID_USAGES, 'cert sign'] }],
  ['half of the usages', 'UsagesNotAllowed', { names: own, usages: ['digital signature', 'client auth'] }],
  ['a short RSA key', 'KeyNotAllowed', { names: own, newKey: ['-newkey', 'rsa:1024'] }],
  ['a curve that agents do not use', 'KeyNotAllowed', { names: own, newKey: EC_521 }],
  ['a certificate by SHA-1', 'NotSignedByItsKey', { names: own, digest: 'sha1' }],
  ['another backend', 'UnknownBackend', { names: own, annotations: { 'meshcert.io/backend': 'ca-9' } }, 'ca-1'],
];

for (const [what, reason, asked, says = ''] of DENIED) {
  t.test(`a request for ${what} is denied, and the requester is told why`, async (t) => {
    const before = await countDenied(reason);
    const name = await ask(asked);
    const request = await waitForEnd(name);
    const { reason: told, message = '' } = findCondition(request, 'Denied') ?? {};
    t.equal(told, reason, message);
    t.ok(message.includes(says), message);
    t.notMatch(message, /\n/);
    t.notOk(request.status?.certificate);
    await eventually('it is counted once', async () => (await countDenied(reason)) === before + 1);
    await eventually('it is an event', async () => (await listEvents(name)).join() === reason);
  });
}

t.test('who the requester is cannot be written into the request', async (t) => {
  const other = `system:serviceaccount:${workloads}:other`;
  const spec = { username: other, groups: ['system:masters'], uid: '1', extra: { 'a.b/c': ['d'] } };
  const forged = await waitForEnd(await ask({ names: `URI:spiffe://${mesh}/ns/${workloads}/sa/other`, spec }));
  t.equal(findCondition(forged, 'Denied')?.reason, 'OtherIdentity');
  t.match(forged.spec.username, /:web$/, 'the API server has seen to it');
});

t.test('an administrator is no service account', async (t) => {
  const request = await waitForEnd(await ask({ names: own }, cluster.adminToken));
  t.equal(findCondition(request, 'Denied')?.reason, 'NotAServiceAccount');
});

t.test('what somebody else approved is held to the same rules', async (t) => {
  await running.stop();
  const name = await ask({ names: `${own},DNS:other` });
  const request = await place.readRequest(name);
  const conditions = [{ type: 'Approved', status: 'True', reason: 'Admin', message: 'by hand' }];
  const path = `/apis/certificates.k8s.io/v1/certificatesigningrequests/${name}/approval`;
  t.equal((await cluster.api('PUT', path, { ...request, status: { conditions } })).status, 200);
  const again = await runSigner(t, place);
  const ended = await waitForEnd(name);
  t.equal(findCondition(ended, 'Failed')?.reason, 'NameNotAllowed');
  t.notOk(ended.status?.certificate);
  await again.stop();
});

async function listEvents(request: string): Promise<string[]> {
  const path = `/api/v1/namespaces/default/events?fieldSelector=involvedObject.name=${request}`;
  const { body } = await cluster.api<{ items: { reason: string }[] }>('GET', path);
  return body.items.map(({ reason }) => reason);
}

async function countDenied(reason: Denial): Promise<number> {
  const text = await running.observation.metrics.render();
  const [, count] = new RegExp(`^meshcert_signer_denied_total\\{reason="${reason}"\\} (\\d+)$`, 'm').exec(text) ?? [];
  return Number(count);
}
