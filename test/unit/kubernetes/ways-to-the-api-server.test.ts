import { mkdirSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { findKubernetesAccess } from '../../../src/kubernetes/access.ts';
import { openKubeconfig } from '../../../src/kubernetes/kubeconfig.ts';
import { openPod } from '../../../src/kubernetes/pod.ts';
import { readTokenClaims } from '../../../src/kubernetes/token-claims.ts';

t.test('KUBECONFIG goes before the pod, as with every client of Kubernetes', async (t) => {
  const pod = { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443' };
  t.equal(findKubernetesAccess({}), undefined);
  t.equal(findKubernetesAccess({ KUBERNETES_SERVICE_HOST: '10.0.0.1' }), undefined);
  t.match(findKubernetesAccess(pod), {
    kind: 'pod',
    address: 'https://10.0.0.1:443',
    directory: '/var/run/secrets/kubernetes.io/serviceaccount',
  });
  t.match(findKubernetesAccess({ ...pod, KUBERNETES_SERVICE_HOST: 'fd00::1' }), { address: 'https://[fd00::1]:443' });
  t.same(findKubernetesAccess({ ...pod, KUBECONFIG: '/a::/b' }), { kind: 'kubeconfig', paths: ['/a', '/b'] });
  t.match(findKubernetesAccess({ ...pod, KUBECONFIG: '' }), { kind: 'pod' });
});

t.test('a pod: token and CA are read anew', async (t) => {
  const directory = t.testdir({ token: 'one\n', 'ca.crt': 'PEM', namespace: 'shop' });
  const cluster = openPod({ kind: 'pod', address: 'https://api', directory });
  t.equal(cluster.namespace, 'shop');
  t.match(await cluster.readCredentials(), { headers: { Authorization: 'Bearer one' }, tls: { ca: 'PEM' } });
  writeFileSync(`${directory}/token`, 'two');
  t.match(await cluster.readCredentials(), { headers: { Authorization: 'Bearer two' } });
  writeFileSync(`${directory}/token`, 'three\r\nX-Evil: 1');
  await t.rejects(cluster.readCredentials(), {
    code: 'ERR_SOURCE',
    message: /is empty, or not what the kubelet writes/,
  });
  t.throws(() => openPod({ kind: 'pod', address: 'https://api', directory: `${directory}/none` }), {
    code: 'ERR_SOURCE',
    remedy: /automountServiceAccountToken/,
  });
});

const config = (parts: Record<string, unknown>) =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'here',
    clusters: [{ name: 'c', cluster: { server: 'https://api:6443/', 'certificate-authority-data': 'UEVN' } }],
    users: [{ name: 'u', user: { token: 'inline' } }],
    contexts: [{ name: 'here', context: { cluster: 'c', user: 'u', namespace: 'shop' } }],
    ...parts,
  });

t.test('a kubeconfig: its context, a token, a token in a file, and a program that fetches one', async (t) => {
  const users = [{ name: 'u', user: { tokenFile: 'token' } }];
  const exec = {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: process.execPath,
    args: ['-e', 'console.log(JSON.stringify({status: {token: "fetched"}}))'],
  };
  const directory = t.testdir({
    plain: config({}),
    withFile: config({ users }),
    withProgram: config({ users: [{ name: 'u', user: { exec } }] }),
    token: 'from a file',
  });
  const plain = await openKubeconfig([`${directory}/plain`]);
  t.match(plain, { address: 'https://api:6443', namespace: 'shop' });
  const { headers, tls } = await plain.readCredentials();
  t.equal(headers.Authorization, 'Bearer inline');
  t.equal(String(tls.ca), 'PEM');
  const withFile = await openKubeconfig([`${directory}/withFile`]);
  t.equal((await withFile.readCredentials()).headers.Authorization, 'Bearer from a file');
  const withProgram = await openKubeconfig([`${directory}/withProgram`]);
  t.equal((await withProgram.readCredentials()).headers.Authorization, 'Bearer fetched');
});

t.test('several kubeconfigs: of what stands in both, the first counts', async (t) => {
  const clusters = [{ name: 'c', cluster: { server: 'https://other' } }];
  const contexts = [{ name: 'there', context: { cluster: 'c', user: 'u' } }];
  const directory = t.testdir({ a: config({ clusters }), b: config({ contexts, 'current-context': 'there' }) });
  const { address, namespace } = await openKubeconfig([`${directory}/a`, `${directory}/b`]);
  t.match({ address, namespace }, { address: 'https://other', namespace: 'shop' });
});

t.test('kubeconfigs that are no use are told without what is in them', async (t) => {
  const failing = { command: 'false' };
  const directory = t.testdir({
    text: 'SENSITIVE: [',
    noContext: config({ 'current-context': 'nowhere' }),
    withFailing: config({ users: [{ name: 'u', user: { exec: failing } }] }),
  });
  mkdirSync(`${directory}/folder`);
  const open = (name: string) => openKubeconfig([`${directory}/${name}`]);
  for (const name of ['none', 'folder', 'text', 'noContext']) {
    const thrown = await open(name).catch((error: unknown) => error);
    t.match(thrown, { code: 'ERR_SOURCE', line: new RegExp(`${name}.*(KUBECONFIG|use-context)`) });
    t.notMatch((thrown as Error).message, /SENSITIVE|\n/);
  }
  const cluster = await open('withFailing');
  await t.rejects(cluster.readCredentials(), { code: 'ERR_SOURCE', remedy: 'try: kubectl auth whoami' });
});

t.test('a bound token tells its pod and its end', async (t) => {
  const token = (claims: unknown) => `a.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c`;
  const pod = { name: 'web-0', uid: 'u-1' };
  t.same(readTokenClaims(token({ exp: 5, 'kubernetes.io': { pod } })), { pod, expiresAtMs: 5_000 });
  t.same(readTokenClaims(token({})), { pod: undefined, expiresAtMs: undefined });
  t.same(readTokenClaims(token({ exp: 'x', 'kubernetes.io': { pod: { name: 1 } } })), {
    pod: undefined,
    expiresAtMs: undefined,
  });
  for (const text of ['', 'a.b.c', 'no token']) t.equal(readTokenClaims(text), undefined);
  t.doesNotThrow(() => readTokenClaims(token(null)));
});
