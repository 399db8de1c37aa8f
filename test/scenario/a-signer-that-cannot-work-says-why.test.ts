import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { eventually } from '../helpers/eventually.ts';
import { runMeshcert } from '../helpers/run-meshcert.ts';
import { makeServiceAccount } from '../helpers/service-account.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { makePodEnvironment, makeSignerCluster } from '../helpers/signer-cluster.ts';
import { renderSignedMesh, startSigner } from '../helpers/signer-process.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const { cluster } = await sharedPeers(t);
const directory = temporaryDirectory(t);
const mesh = join(directory, 'mesh.yaml');
writeFileSync(mesh, renderSignedMesh('default', '1h'));

t.test('what it is told wrongly ends it with one line, before it touches the cluster', async (t) => {
  const vault = join(directory, 'vault.yaml');
  const conf = '{fromCp: {address: "https://vault:8200", auth: {token: {secret: x}}}}';
  writeFileSync(
    vault,
    `type: Mesh\nname: default\nmtls: {enabledBackend: v, backends: [{name: v, type: vault, conf: ${conf}}]}\n`,
  );
  const cases: readonly [args: readonly string[], line: RegExp][] = [
    [['-c', mesh, '--spiffe-id', '/{service}'], /in two namespaces would have one identity; use /],
    [
      ['-c', mesh, '--spiffe-id', '/{namespace}/{serviceAccount}/{tag.v}'],
      /nothing that the API server records proves/,
    ],
    [['-c', mesh, '--trust-domain', 'A B'], /not a SPIFFE ID/],
    [['-c', mesh, '--allow-namespace', 'A_b'], /no name of a namespace/],
    [['-c', mesh, '--telemetry', '9902'], /write it like 0\.0\.0\.0:9902/],
    [['-c', vault], /no backend that the signer could sign with/],
    [['-c', join(directory, 'none.yaml')], /there is no such file/],
  ];
  for (const [args, line] of cases) {
    const { code, stderr } = await runMeshcert(['signer', ...args], { directory });
    t.equal(code, 2, args.join(' '));
    t.match(stderr, line);
    t.notMatch(stderr, /\n\s+at /);
  }
});

t.test('without a cluster it ends, too', async (t) => {
  const { code, stderr } = await runMeshcert(['signer', '-c', mesh], { directory });
  t.equal(code, 1);
  t.match(stderr, /no way to a Kubernetes API.*; run it in a pod, or set KUBECONFIG/);
});

t.test('a port that is taken ends it before it takes the lease', async (t) => {
  const place = await makeSignerCluster(cluster, directory);
  const options = { directory: join(directory, 'first'), mesh: renderSignedMesh(place.mesh, '1h') };
  const first = await startSigner(place, options);
  t.teardown(() => first.stop());
  const port = new URL(String(first.log().find(({ event }) => event === 'answering')?.telemetry)).port;
  const args = ['signer', '-c', join(directory, 'first/mesh.yaml'), '--telemetry', `127.0.0.1:${port}`];
  const { code, stderr } = await runMeshcert(args, { directory, env: makePodEnvironment(place.signer) });
  t.equal(code, 1);
  t.match(stderr, /the port is in use/);
});

t.test('rights that are missing are told with the rule to grant, and it goes on asking', async (t) => {
  const place = await makeSignerCluster(cluster, directory);
  const signer = await makeServiceAccount(cluster, directory, { namespace: place.namespace, name: 'powerless' });
  const options = { directory: join(directory, 'powerless'), mesh: renderSignedMesh(place.mesh, '1h') };
  const running = await startSigner({ ...place, signer }, options);
  t.teardown(() => running.stop());
  const told = await eventually('it is told', () => running.log().find(({ level }) => level === 'warn'));
  t.match(told.event, 'the lease cannot be had');
  t.match(told.remedy, /in a Role of the namespace ".*": \{apiGroups: \["coordination\.k8s\.io"\]/);
  t.equal((await running.probe('/healthz')).status, 200);
  t.same(await running.stop(), { code: 0, signal: null });
});
