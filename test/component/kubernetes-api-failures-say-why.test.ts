import { writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { systemClock } from '../../src/clock.ts';
import { AgentError } from '../../src/errors.ts';
import type { KubernetesAccess } from '../../src/kubernetes/access.ts';
import { type Kubernetes, openKubernetes } from '../../src/kubernetes/kubernetes.ts';
import { statusOf } from '../../src/kubernetes/kubernetes-error.ts';
import { makeServiceAccount, renderAdminKubeconfig } from '../helpers/service-account.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { inForce, TestCa } from '../helpers/test-ca.ts';

const { cluster } = await sharedPeers(t);
const directory = temporaryDirectory(t);
const account = await makeServiceAccount(cluster, directory);
const ports = { clock: systemClock, random: Math.random };
const { signal } = new AbortController();
const configMaps = `/api/v1/namespaces/${account.namespace}/configmaps`;

async function open(t: Test, access: KubernetesAccess, limitMs?: number): Promise<Kubernetes> {
  const kubernetes = await openKubernetes({ access, ...(limitMs !== undefined && { limitMs }) }, ports);
  t.teardown(() => kubernetes.close());
  return kubernetes;
}

function openAdmin(t: Test, changes: Partial<typeof cluster> = {}): Promise<Kubernetes> {
  const file = join(directory, `admin-${t.name.length}`);
  // A proxy of kubectl has no TLS, which client-node takes only where nothing is to be verified.
  const config = renderAdminKubeconfig({ ...cluster, ...changes }).replace(
    '"server":"http:',
    '"insecure-skip-tls-verify":true,"server":"http:',
  );
  writeFileSync(file, config);
  return open(t, { kind: 'kubeconfig', paths: [file] }, 1_000);
}

async function listen(t: Test, server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
}

const statusAfter = (work: Promise<unknown>) => work.then(() => 200, statusOf);

const fail = (kubernetes: Kubernetes) =>
  kubernetes.get('/version', signal).then(() => new AgentError('ERR_INTERNAL', 'it did not fail'), AgentError.from);

t.test('another CA than the one that signed its certificate, until the right one is there', async (t) => {
  const file = join(account.access.directory, 'ca.crt');
  const kubernetes = await open(t, account.access);
  writeFileSync(file, (await TestCa.makeRoot('other', inForce())).certificatePem);
  t.match(await fail(kubernetes), { code: 'ERR_CA_TLS', message: /no CA that we trust/, remedy: /ca\.crt/ });
  writeFileSync(file, cluster.caPem);
  await t.resolves(kubernetes.get('/version', signal), 'read anew');
});

t.test('a name that is not in its certificate', async (t) => {
  const file = join(directory, 'named');
  const config = renderAdminKubeconfig(cluster).replace('"server"', '"tls-server-name":"elsewhere.example","server"');
  writeFileSync(file, config);
  const kubernetes = await open(t, { kind: 'kubeconfig', paths: [file] });
  t.match(await fail(kubernetes), { code: 'ERR_CA_TLS', message: /for other names/, remedy: /tls-server-name/ });
});

t.test('a server without TLS, one that says nothing, one that is no API server', async (t) => {
  const plain = createHttpServer((_, response) => response.end('<html>'));
  const port = await listen(t, plain);
  const tls = await openAdmin(t, { url: `https://127.0.0.1:${port}` });
  t.match(await fail(tls), { code: 'ERR_CA_TLS', message: /does not speak TLS/ });
  const other = await openAdmin(t, { url: `http://127.0.0.1:${port}` });
  t.match(await fail(other), {
    code: 'ERR_CA_PROTOCOL',
    message: /answered 200 to GET \/version: that is no answer of/,
  });
  const silent = createServer((socket) => t.teardown(() => socket.destroy()));
  const mute = await openAdmin(t, { url: `https://127.0.0.1:${await listen(t, silent)}` });
  t.match(await fail(mute), { code: 'ERR_CA_UNREACHABLE', message: /no answer from .* within 1 s$/ });
});

t.test('a server that wants to be left alone for a while', async (t) => {
  const body = JSON.stringify({ kind: 'Status', message: 'too many requests', code: 429 });
  const busy = createHttpServer((_, response) => response.writeHead(429, { 'retry-after': '7' }).end(body));
  const kubernetes = await openAdmin(t, { url: `http://127.0.0.1:${await listen(t, busy)}` });
  t.match(await fail(kubernetes), { code: 'ERR_CA_THROTTLED', retryAfterMs: 7_000 });
});

t.test('more objects than fit into one page are all listed', async (t) => {
  const kubernetes = await openAdmin(t);
  const names = Array.from({ length: 510 }, (_, index) => `page-${index}`);
  for (let begin = 0; begin < names.length; begin += 30) {
    const some = names.slice(begin, begin + 30);
    await Promise.all(
      some.map((name) => cluster.api('POST', configMaps, { metadata: { name, labels: { page: 'yes' } } })),
    );
  }
  const { items } = await kubernetes.list(configMaps, { labelSelector: 'page=yes' }, signal);
  t.same(items.map(({ metadata }) => metadata.name).sort(), names.sort());
});

t.test('what is written', async (t) => {
  const kubernetes = await openAdmin(t);
  const path = `${configMaps}/written`;
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'written' }, data: { a: '1' } };
  await kubernetes.apply(path, object, { fieldManager: 'one' }, signal);
  const other = { ...object, data: { a: '2' } };
  const apply = (force: boolean) => kubernetes.apply(path, other, { fieldManager: 'two', force }, signal);
  t.equal(await statusAfter(apply(false)), 409);
  t.match(await apply(true), { data: { a: '2' } });
  t.match(await kubernetes.patch(path, { data: { a: null, b: '3' } }, signal), { data: { b: '3' } });
  const stored = await kubernetes.get<{ metadata: { resourceVersion: string }; data: object }>(path, signal);
  t.same(stored.data, { b: '3' });
  t.match(await kubernetes.replace(path, { ...stored, data: { c: '4' } }, signal), { data: { c: '4' } });
  t.equal(await statusAfter(kubernetes.replace(path, stored, signal)), 409);
  t.equal(await statusAfter(kubernetes.create(configMaps, object, signal)), 409);
  await kubernetes.delete(path, signal);
  await t.resolves(kubernetes.delete(path, signal), 'what is gone is gone');
  t.equal(await statusAfter(kubernetes.get(path, signal)), 404);
  const poor = await open(t, account.access);
  t.equal(await statusAfter(poor.delete(path, signal)), 403, 'but what may not be deleted is not');
});
