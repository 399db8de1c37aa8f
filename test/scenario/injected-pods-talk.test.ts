import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { eventually } from '../helpers/eventually.ts';
import { freePort } from '../helpers/free-port.ts';
import { renderKubernetesAuth, renderVaultMesh } from '../helpers/kong-mesh.ts';
import { configureKongVaultPki } from '../helpers/kong-vault-pki.ts';
import { createKubernetesRole } from '../helpers/kubernetes-auth.ts';
import { finishPod, runPod } from '../helpers/pod-runner.ts';
import type { PodToRun } from '../helpers/pod-volumes.ts';
import { requestJson } from '../helpers/request-json.ts';
import { runMeshcert } from '../helpers/run-meshcert.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { uniqueName } from '../helpers/unique-name.ts';
import { setUpWebhook } from '../helpers/webhook-bench.ts';

/**
 * An application that has its certificate when it starts, or fails. It says what it finds, and who calls.
 */
const APP = `
const { createServer } = require('node:http');
const { readFileSync } = require('node:fs');
const { X509Certificate, createPrivateKey } = require('node:crypto');
const look = () => {
  const certificate = new X509Certificate(readFileSync('/var/run/meshcert/tls.crt'));
  const isPair = certificate.checkPrivateKey(createPrivateKey(readFileSync('/var/run/meshcert/tls.key')));
  return { names: certificate.subjectAltName, serial: certificate.serialNumber, isPair };
};
look();
if (process.env.PORT === undefined) { console.log(JSON.stringify(look())); process.exit(0); }
createServer((request, response) => {
  response.end(JSON.stringify({ ...look(), caller: request.headers['x-forwarded-client-cert'] }));
}).listen(process.env.PORT, '127.0.0.1');
`;
/** Of whoever runs this test: to give files to another one takes root. */
const GROUP = process.getgid?.();

interface Said {
  readonly names: string;
  readonly serial: string;
  readonly isPair: boolean;
  readonly caller?: string;
}

const { vault, cluster } = await sharedPeers(t);
const directory = temporaryDirectory(t);
const pki = await configureKongVaultPki(vault, {
  mesh: 'default',
  mount: uniqueName('pki'),
  role: { key_type: 'any', key_bits: '0', key_usage: 'DigitalSignature,KeyEncipherment' },
});
const role = uniqueName('web');
const tokenPath = '/var/run/secrets/tokens/vault';
const auth = renderKubernetesAuth({ role, tokenPath, audience: 'vault' });
const meshYaml = renderVaultMesh({ address: vault.address, pki: pki.mount, auth });
const bench = await setUpWebhook(t, cluster, { directory, meshYaml });
const replica = await bench.startReplica(['--envoy-image', 'envoy']);
await bench.lead(replica.port);
const namespace = await bench.createNamespace({ labels: { 'meshcert.io/inject': 'enabled' } });
await createKubernetesRole(vault, {
  role,
  namespace,
  serviceAccount: 'web',
  policies: [pki.policy],
  audience: 'vault',
});

/** Made at the API server, and run as it came back. @param port of the application. */
async function admit(name: string, port: number, annotations: Record<string, string>): Promise<PodToRun> {
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const env = [{ name: 'PORT', value: String(port) }];
  const ports = [{ containerPort: port }];
  const telemetryPort = String(await freePort());
  const { status, body } = await cluster.api<PodToRun>('POST', path, {
    metadata: {
      name,
      labels: { app: name },
      annotations: { 'meshcert.io/telemetry-port': telemetryPort, ...annotations },
    },
    spec: {
      serviceAccountName: 'web',
      securityContext: { fsGroup: GROUP },
      containers: [{ name: 'app', image: 'node', command: ['node', '-e', APP], env, ports }],
    },
  });
  if (status >= 300) throw new Error(`the pod was refused: ${JSON.stringify(body)}`);
  return body;
}

const run = (pod: PodToRun) => runPod(t, { pod, cluster, directory: join(directory, pod.metadata.name) });

t.test('two pods talk mutual TLS through their Envoys, and their applications know nothing of it', async (t) => {
  const [appPort = 0, inbound = 0, callerPort = 0, callerInbound = 0, outbound = 0] = await Promise.all(
    Array.from({ length: 5 }, () => freePort()),
  );
  const backendPod = await admit('backend', appPort, {
    'meshcert.io/envoy': 'strict',
    'meshcert.io/envoy-inbound': `0.0.0.0:${inbound}`,
    'meshcert.io/allow': 'spiffe://default/frontend',
  });
  const frontendPod = await admit('frontend', callerPort, {
    'meshcert.io/envoy': 'strict',
    'meshcert.io/envoy-inbound': `0.0.0.0:${callerInbound}`,
    'meshcert.io/envoy-outbound': `${outbound}:backend=127.0.0.1:${inbound}`,
  });
  const [backend, frontend] = await Promise.all([run(backendPod), run(frontendPod)]);

  const ask = async () => (await requestJson<Said>(`http://127.0.0.1:${outbound}/`)).body;
  const said = await eventually('the backend answers', async () => {
    const answer = await ask();
    return answer.isPair && answer;
  });
  t.equal(said.names, 'URI:spiffe://default/backend');
  t.match(said.caller, /;URI=spiffe:\/\/default\/frontend$/, 'it is told who calls');

  const socket = ['--socket', '/var/run/meshcert-admin/admin.sock'];
  await backend.exec('meshcert', ['meshcert', 'rotate', ...socket]);
  const next = await ask();
  t.not(next.serial, said.serial, 'the application reads the next certificate');
  t.ok(next.isPair);
  t.match(JSON.parse(await frontend.exec('meshcert', ['meshcert', 'inspect', ...socket, '-o', 'json'])), {
    spiffeId: 'spiffe://default/frontend',
    ready: true,
  });
  const plain = requestJson(`http://127.0.0.1:${inbound}/`);
  await t.rejects(plain, 'who comes without a certificate is not let in');
});

t.test('a Job that was injected before it was applied runs with its certificate, and ends', async (t) => {
  await cluster.api('POST', `/api/v1/namespaces/${namespace}/configmaps`, {
    metadata: { name: 'meshcert' },
    data: { 'mesh.yaml': meshYaml },
  });
  const metadata = { name: 'batch', namespace };
  const template = {
    metadata: { labels: { app: 'batch' }, annotations: { 'meshcert.io/telemetry-port': String(await freePort()) } },
    spec: {
      serviceAccountName: 'web',
      restartPolicy: 'Never',
      securityContext: { fsGroup: GROUP },
      containers: [{ name: 'app', image: 'node', command: ['node', '-e', APP] }],
    },
  };
  writeFileSync(join(directory, 'mesh.yaml'), meshYaml);
  writeFileSync(
    join(directory, 'job.yaml'),
    JSON.stringify({ apiVersion: 'batch/v1', kind: 'Job', metadata, spec: { template } }),
  );
  const args = ['--image', 'registry.example/meshcert:test', '-f', 'job.yaml', '--config-map', 'meshcert'];
  const { code, stdout, stderr } = await runMeshcert(['inject', '-c', 'mesh.yaml', ...args], { directory });
  t.equal(code, 0, stderr);
  const job = parse(stdout);
  const made = await cluster.api('POST', `/apis/batch/v1/namespaces/${namespace}/jobs`, job);
  t.equal(made.status, 201, JSON.stringify(made.body));

  // What the controller of Jobs does.
  const pods = `/api/v1/namespaces/${namespace}/pods`;
  const { metadata: ofPod, spec } = job.spec.template;
  const { body: pod } = await cluster.api<PodToRun>('POST', pods, { metadata: { ...ofPod, name: 'batch' }, spec });
  t.same(
    pod.spec.initContainers?.map(({ name }) => name),
    ['meshcert'],
    'the webhook leaves it alone',
  );
  const running = await run(pod);
  await finishPod(pod, running);
  t.match(JSON.parse(running.container('app').output()), { names: 'URI:spiffe://default/batch', isPair: true });
});
