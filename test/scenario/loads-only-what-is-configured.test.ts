import { globSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import t, { type Test } from 'tap';
import { builtProgram, startAgent } from '../helpers/agent.ts';
import { makeCaIssuer } from '../helpers/cert-manager.ts';
import { makeTenant } from '../helpers/cert-manager-tenant.ts';
import { eventually } from '../helpers/eventually.ts';
import { openForwardProxy } from '../helpers/forward-proxy.ts';
import {
  renderAcmPcaMesh,
  renderBuiltinMesh,
  renderKubernetesAuth,
  renderProvidedMesh,
  renderVaultMesh,
} from '../helpers/kong-mesh.ts';
import { configureKongVaultPki } from '../helpers/kong-vault-pki.ts';
import { ENDPOINT_VARIABLE, startPrivateCaService } from '../helpers/private-ca.ts';
import { CERTIFICATE_VARIABLE, RECORD_VARIABLE, type RecordedLine } from '../helpers/record-loaded-scripts.ts';
import { makeServiceAccount } from '../helpers/service-account.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { makePodEnvironment, makeSignerCluster, runSigner } from '../helpers/signer-cluster.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { inForce, TestCa } from '../helpers/test-ca.ts';
import { uniqueName } from '../helpers/unique-name.ts';
import { createWorkload } from '../helpers/vault-login.ts';

/** What is only sometimes needed, each by a text that stands in its code and nowhere else. */
const PARTS = {
  vault: 'vault token not revoked',
  // Only where the environment says so.
  proxy: 'it does not let us through',
  retries: 'module.exports={retryRequests}',
  builtin: 'cannot keep a CA in',
  provided: 'module.exports={openProvided}',
  certmanager: 'of the CertificateRequest',
  signingRequests: 'is approved and was not signed',
  kubernetes: 'allowWatchBookmarks',
  kubeconfig: 'Unsupported proxy type',
  acmpca: 'ACMPrivateCA.',
  awsCredentials: 'Could not load credentials from any providers',
  x509: 'Pkcs10CertificateRequest',
  metrics: 'certificate_rotation_due_timestamp_seconds',
  grpc: 'GRPC_NODE_VERBOSITY',
  sds: 'unknown type URL',
  workloadApi: 'security header',
  // Only for a person at a terminal.
  terminal: 'rotates now',
  // Only where systemd started it.
  systemd: 'RELOADING=1',
  // Only when somebody asks for reflection.
  protoFiles: 'symbols:["SpiffeWorkloadAPI"',
} as const;
type Part = keyof typeof PARTS;

const hook = resolve(import.meta.dirname, '../helpers/record-loaded-scripts.ts');
const dist = dirname(builtProgram());
const scripts = globSync('*.js', { cwd: dist });
const partOf = new Map<string, Part>();
for (const [part, marker] of Object.entries(PARTS) as [Part, string][]) {
  const holders = scripts.filter((script) => readFileSync(join(dist, script), 'utf8').includes(marker));
  t.equal(holders.length, 1, `${part} stands in one file of its own: ${holders.join(', ')}`);
  partOf.set(holders[0] ?? '', part);
}
t.equal(partOf.size, Object.keys(PARTS).length, 'and no two in the same');

interface Loaded {
  readonly beforeCertificate: readonly Part[];
  readonly afterwards: readonly Part[];
  readonly nodeModules: readonly string[];
}

/** Runs an agent until its metrics are loaded, and lists what was loaded when. */
async function record(
  t: Test,
  mesh: string,
  {
    directory = temporaryDirectory(t),
    deliver,
    env,
    agentLines = '',
  }: { directory?: string; deliver?: string; env?: Readonly<Record<string, string>>; agentLines?: string } = {},
): Promise<Loaded> {
  const file = join(directory, 'loaded.jsonl');
  const agent = await startAgent({
    directory,
    mesh,
    agentLines,
    ...(deliver === undefined ? {} : { deliver }),
    startedBy: ['node', '--import', hook],
    env: { ...env, [RECORD_VARIABLE]: file, [CERTIFICATE_VARIABLE]: join(directory, 'identity/tls.crt') },
  });
  t.teardown(() => agent.stop());
  await agent.waitReady();
  const read = () => {
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    return lines.map((line) => JSON.parse(line) as RecordedLine);
  };
  const list = (isDelivered: boolean) =>
    read()
      .filter((line) => 'script' in line && line.isDelivered === isDelivered)
      .map((line) => ('script' in line ? basename(line.script) : ''))
      .filter((name) => scripts.includes(name));
  await eventually('something is loaded after the first certificate', () => list(true).length > 0);
  await agent.stop();
  const bytes = list(false).reduce((sum, name) => sum + statSync(join(dist, name)).size, 0);
  t.comment(`before the first certificate: ${list(false).join(', ')}; ${Math.round(bytes / 1024)} KiB`);
  const last = read().at(-1);
  const parts = (names: readonly string[]) => names.flatMap((name) => partOf.get(name) ?? []);
  return {
    beforeCertificate: parts(list(false)),
    afterwards: parts(list(true)),
    nodeModules: last !== undefined && 'nodeModules' in last ? last.nodeModules : [],
  };
}

t.test('with a Vault: its client, and no CA', async (t) => {
  const peers = await sharedPeers(t);
  const role = { key_type: 'ec', key_bits: '256' };
  const { mount, policy } = await configureKongVaultPki(peers.vault, {
    mesh: 'default',
    mount: uniqueName('pki'),
    role,
  });
  const directory = temporaryDirectory(t);
  const workload = await createWorkload(peers, { directory, policies: [policy] });
  const auth = renderKubernetesAuth(workload);
  const mesh = renderVaultMesh({ address: peers.vault.address, pki: mount, auth });
  const loaded = await record(t, mesh, { directory });
  t.same(loaded.beforeCertificate, ['vault']);
  t.same(loaded.afterwards, ['metrics']);
  t.ok(loaded.nodeModules.includes('NativeModule http'), 'the list is there');
  t.same(
    loaded.nodeModules.filter((name) => /undici|NativeModule (tls|https|http2)$/.test(name)),
    [],
    'nor what Node has for WebSocket, TLS and HTTP/2, for a Vault without TLS',
  );
});

t.test('a proxy and retries are loaded where the environment wants them', async (t) => {
  const { vault } = await sharedPeers(t);
  const { mount } = await configureKongVaultPki(vault, {
    mesh: 'default',
    mount: uniqueName('pki'),
    role: { key_type: 'ec', key_bits: '256' },
  });
  const proxy = await openForwardProxy({ hosts: { 'vault.test:8200': Number(new URL(vault.address).port) } });
  t.teardown(() => proxy.close());
  const mesh = renderVaultMesh({
    address: 'http://vault.test:8200',
    pki: mount,
    auth: `{token: {inlineString: ${vault.rootToken}}}`,
  });
  const loaded = await record(t, mesh, { env: { HTTP_PROXY: proxy.address, VAULT_MAX_RETRIES: '1' } });
  t.same([...loaded.beforeCertificate].sort(), ['proxy', 'retries', 'vault']);
});

t.test('with the embedded CA: it, and no Vault', async (t) => {
  const loaded = await record(t, renderBuiltinMesh('1h'));
  t.same(loaded.beforeCertificate, ['builtin', 'x509']);
  t.same(loaded.afterwards, ['metrics']);
  t.same(
    loaded.nodeModules.filter((name) => /undici|NativeModule (tls|https|http2)$/.test(name)),
    [],
  );
});

t.test('with a provided CA: it, and neither Vault nor the embedded one', async (t) => {
  const directory = temporaryDirectory(t);
  const root = await TestCa.makeRoot('root', inForce());
  const [cert, key] = [join(directory, 'ca.crt'), join(directory, 'ca.key')];
  writeFileSync(cert, root.certificatePem);
  writeFileSync(key, root.keyPem);
  const loaded = await record(t, renderProvidedMesh(cert, key), { directory });
  t.same(loaded.beforeCertificate, ['provided', 'x509']);
  t.same(loaded.afterwards, ['metrics']);
  t.same(
    loaded.nodeModules.filter((name) => /undici|NativeModule (tls|https|http2)$/.test(name)),
    [],
  );
});

t.test('with cert-manager: the Kubernetes API, client-node for a kubeconfig alone, and no other CA', async (t) => {
  const { cluster } = await sharedPeers(t);
  const tenant = await makeTenant(t, cluster);
  await makeCaIssuer(cluster, await TestCa.makeRoot('root', inForce()), tenant);
  const mesh = `type: Mesh
name: default
mtls:
  enabledBackend: cm
  backends:
  - {name: cm, type: certmanager, dpCert: {rotation: {expiration: 1h}}, conf: {issuerRef: {name: mesh-ca}}}`;
  const loaded = await record(t, mesh, { env: { KUBECONFIG: tenant.account.writeKubeconfig() } });
  t.same([...loaded.beforeCertificate].sort(), ['certmanager', 'kubeconfig', 'kubernetes']);
  t.same(loaded.afterwards, ['metrics']);
});

t.test('with a signer of a cluster: the Kubernetes API, and no CA', async (t) => {
  const { cluster } = await sharedPeers(t);
  const directory = temporaryDirectory(t);
  const place = await makeSignerCluster(cluster, directory);
  await runSigner(t, place);
  const caCert = join(directory, 'ca.pem');
  writeFileSync(caCert, (await place.trustConfigMap())?.['ca.crt'] ?? '');
  const mesh = `type: Mesh
name: default
mtls:
  enabledBackend: csr
  backends:
  - {name: csr, type: kubernetes, conf: {signerName: ${place.signerName}, caCert: {file: ${caCert}}}}`;
  const agentLines = `trustDomain: ${place.mesh}\nspiffeId: "/ns/{namespace}/sa/{serviceAccount}"`;
  const loaded = await record(t, mesh, { env: makePodEnvironment(place.web), agentLines });
  t.same([...loaded.beforeCertificate].sort(), ['kubeconfig', 'kubernetes', 'signingRequests']);
  t.same(loaded.afterwards, ['metrics']);
});

t.test('with a CA in Secrets of Kubernetes: its API, and no cert-manager', async (t) => {
  const { cluster } = await sharedPeers(t);
  const account = await makeServiceAccount(cluster, temporaryDirectory(t));
  const root = await TestCa.makeRoot('root', inForce());
  const secrets = `/api/v1/namespaces/${account.namespace}/secrets`;
  for (const [name, value] of Object.entries({ 'ca-cert': root.certificatePem, 'ca-key': root.keyPem })) {
    await cluster.api('POST', secrets, { metadata: { name }, type: 'system.kuma.io/secret', stringData: { value } });
  }
  await account.grant([{ apiGroups: [''], resources: ['secrets'], verbs: ['get'] }]);
  const mesh = `type: Mesh
name: default
mtls:
  enabledBackend: ca-1
  backends:
  - {name: ca-1, type: provided, conf: {cert: {secret: ca-cert}, key: {secret: ca-key}}}`;
  const loaded = await record(t, mesh, { env: { KUBECONFIG: account.writeKubeconfig() } });
  t.same([...loaded.beforeCertificate].sort(), ['kubeconfig', 'kubernetes', 'provided', 'x509']);
});

t.test('with the Workload API: gRPC, and no descriptors of its messages until somebody asks for them', async (t) => {
  const directory = temporaryDirectory(t);
  const deliver = `{files: [{directory: ${directory}/identity}], workloadApi: {socket: ${directory}/w.sock}}`;
  const { beforeCertificate, afterwards } = await record(t, renderBuiltinMesh('1h'), { directory, deliver });
  t.same([...beforeCertificate, ...afterwards].sort(), ['builtin', 'grpc', 'metrics', 'workloadApi', 'x509']);
});

t.test('with secrets for Envoy: gRPC, and no Workload API', async (t) => {
  const directory = temporaryDirectory(t);
  const deliver = `{files: [{directory: ${directory}/identity}], sds: {socket: ${directory}/s.sock}}`;
  const { beforeCertificate, afterwards } = await record(t, renderBuiltinMesh('1h'), { directory, deliver });
  t.same([...beforeCertificate, ...afterwards].sort(), ['builtin', 'grpc', 'metrics', 'sds', 'x509']);
});

t.test('with AWS Private CA: its client; and the search for credentials only where none are configured', async (t) => {
  const service = await startPrivateCaService(t);
  const { arn } = await service.createCa();
  const secrets = temporaryDirectory(t);
  const [id, key] = [join(secrets, 'id'), join(secrets, 'key')];
  writeFileSync(id, 'AKIAWEB');
  writeFileSync(key, 'x');
  const conf = `auth: {awsCredentials: {accessKey: {file: ${id}}, accessKeySecret: {file: ${key}}}}`;
  const configured = await record(t, renderAcmPcaMesh(arn, { conf }), { env: { [ENDPOINT_VARIABLE]: service.url } });
  t.same(configured.beforeCertificate, ['acmpca']);
  t.same(configured.afterwards, ['metrics']);
  const env = { [ENDPOINT_VARIABLE]: service.url, AWS_ACCESS_KEY_ID: 'AKIAWEB', AWS_SECRET_ACCESS_KEY: 'x' };
  const found = await record(t, renderAcmPcaMesh(arn), { env });
  t.same([...found.beforeCertificate].sort(), ['acmpca', 'awsCredentials']);
});
