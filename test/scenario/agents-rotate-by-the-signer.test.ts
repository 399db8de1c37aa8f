import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { startAgent } from '../helpers/agent.ts';
import { eventually } from '../helpers/eventually.ts';
import { checkPairWithOpenssl } from '../helpers/openssl.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { makePodEnvironment, makeSignerCluster } from '../helpers/signer-cluster.ts';
import { renderSignedMesh, startSigner } from '../helpers/signer-process.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const { cluster } = await sharedPeers(t);
const directory = temporaryDirectory(t);
const place = await makeSignerCluster(cluster, directory);
/** Agents ask for the least that the API server takes, 600 s; the Mesh says less, and the signer goes by it. */
const mesh = renderSignedMesh(place.mesh, '5s');
const signer = await startSigner(place, { directory: join(directory, 'signer'), mesh });
t.teardown(() => signer.stop());

async function startWorkload(name: string, agentLines: string, env: Record<string, string>) {
  const home = join(directory, name);
  mkdirSync(home);
  const agent = await startAgent({ directory: home, mesh, meshName: place.mesh, service: name, agentLines, env });
  t.teardown(() => agent.stop());
  return agent;
}

t.test('an agent that is told of the signer gets its certificates there, and no key of the CA', async (t) => {
  const agent = await startWorkload('web', `signer: {namespace: ${place.namespace}}`, makePodEnvironment(place.web));
  await agent.waitReady();
  await eventually('it has rotated by itself', async () => (await agent.status()).regenerations >= 3, {
    timeoutMs: 40_000,
  });
  await checkPairWithOpenssl(agent.identity);
  const { certificate } = await agent.status();
  const lifeMs = Date.parse(certificate?.notAfter ?? '') - Date.parse(certificate?.issuedAt ?? '');
  t.ok(lifeMs <= 6_000, `${lifeMs} ms`);
  t.notMatch(agent.output(), /PRIVATE KEY|CERTIFICATE REQUEST|eyJ/);
  t.notMatch(signer.output(), /PRIVATE KEY|CERTIFICATE REQUEST|eyJ/);
  t.match((await signer.probe('/metrics')).text, /^meshcert_signer_signed_total\{backend="ca-1"\} [3-9]/m);
  t.equal((await agent.stop()).code, 0);
});

t.test('one that asks for the identity of another is told why it gets none', async (t) => {
  const lines = `signer: {namespace: ${place.namespace}}\nspiffeId: /ns/${place.workloads}/sa/web`;
  const agent = await startWorkload('thief', lines, makePodEnvironment(await place.addWorkload('thief')));
  const line = await eventually('it is denied', async () => {
    const { lastError } = await agent.status();
    return lastError?.code === 'ERR_CA_REFUSED' && lastError.line;
  });
  t.match(line, /OtherIdentity/);
  t.ok(line.includes(`spiffe://${place.mesh}/ns/${place.workloads}/sa/thief`), line);
  const counted = (await agent.metrics()).get(
    'meshcert_rotation_failures_total{backend="ca-1",reason="ca_refused_denied"}',
  );
  t.ok((counted ?? 0) >= 1);
  t.equal((await agent.probe('/readyz')).status, 503);
  await agent.stop();
});

t.test('a changed Mesh takes effect in the signer, and one with a mistake does not', async (t) => {
  const file = join(directory, 'signer/mesh.yaml');
  writeFileSync(file, mesh.replace('type: builtin', 'type: bultin'));
  await eventually('it is refused', () => signer.output().includes('the changed configuration is refused'));
  const odd = mesh.replaceAll('ca-1', 'CA_1');
  writeFileSync(file, odd);
  await eventually('what Kubernetes cannot name is refused', () =>
    signer.output().includes('cannot be a part of a name'),
  );
  writeFileSync(file, renderSignedMesh(place.mesh, '1h'));
  await eventually('it goes by the good one', () =>
    signer.log().some(({ event }) => event === 'configuration changed'),
  );
  const agent = await startWorkload(
    'api',
    `signer: {namespace: ${place.namespace}}`,
    makePodEnvironment(await place.addWorkload('api')),
  );
  await agent.waitReady();
  const { certificate } = await agent.status();
  const lifeMs = Date.parse(certificate?.notAfter ?? '') - Date.parse(certificate?.issuedAt ?? '');
  t.ok(lifeMs > 500_000, `the Mesh of the agent still says 5 s, so that it asked for 600; it got ${lifeMs / 1000}`);
  await agent.stop();
  t.same(await signer.stop(), { code: 0, signal: null });
});
