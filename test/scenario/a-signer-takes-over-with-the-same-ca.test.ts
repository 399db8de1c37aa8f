import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { startAgent } from '../helpers/agent.ts';
import { eventually } from '../helpers/eventually.ts';
import { checkPairWithOpenssl } from '../helpers/openssl.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { makePodEnvironment, makeSignerCluster } from '../helpers/signer-cluster.ts';
import { renderSignedMesh, type SignerProcess, startSigner } from '../helpers/signer-process.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const { cluster } = await sharedPeers(t);
const directory = temporaryDirectory(t);
const place = await makeSignerCluster(cluster, directory);
const mesh = renderSignedMesh(place.mesh, '1h');

const startReplica = (name: string) => startSigner(place, { directory: join(directory, name), mesh });

/** Asks until exactly one of them leads, and it has been so for a while. */
const findLeader = (replicas: readonly SignerProcess[]) =>
  eventually(
    'one of them leads',
    async () => {
      const leading = await Promise.all(replicas.map((replica) => replica.isLeading()));
      return leading.filter(Boolean).length === 1 && replicas[leading.indexOf(true)];
    },
    { timeoutMs: 40_000 },
  );

const countSigned = (replica: SignerProcess) =>
  replica.log().filter(({ event }) => event === 'certificate signed').length;

async function startWorkload(name: string) {
  const account = name === 'web' ? place.web : await place.addWorkload(name);
  const home = join(directory, name);
  mkdirSync(home);
  const agent = await startAgent({
    directory: home,
    mesh,
    meshName: place.mesh,
    service: name,
    agentLines: `signer: {namespace: ${place.namespace}}`,
    env: makePodEnvironment(account),
  });
  t.teardown(() => agent.stop());
  return agent;
}

const readBundle = async () => (await place.trustConfigMap())?.['ca.crt'] ?? '';

t.test('two replicas and two agents, through the loss of the leader', async (t) => {
  const replicas = await Promise.all([startReplica('one'), startReplica('two')]);
  t.teardown(() => Promise.all(replicas.map((replica) => replica.stop())));
  const leader = await findLeader(replicas);
  const standby = replicas.find((one) => one !== leader) as SignerProcess;
  t.match((await standby.probe('/readyz')).text, 'stands by');
  t.match((await standby.probe('/metrics')).text, /^meshcert_signer_leader 0$/m);
  const bundle = await readBundle();

  const agents = [await startWorkload('web'), await startWorkload('api')];
  for (const agent of agents) await agent.waitReady();
  const [web, api] = agents.map((agent) => agent.identity) as [string, string];
  await checkPairWithOpenssl(web);
  await checkPairWithOpenssl(api);
  t.same(readFileSync(join(web, 'ca.crt'), 'utf8'), bundle, 'it is the published CA');
  t.equal((await agents[0]?.status())?.spiffeId, `spiffe://${place.mesh}/ns/${place.workloads}/sa/web`);
  t.ok(countSigned(leader) >= 2);
  t.equal(countSigned(standby), 0, 'only the leader signs');

  leader.kill('SIGKILL');
  standby.kill('SIGSTOP');
  await leader.exited;
  const before = await agents[0]?.status();
  t.not((await agents[0]?.rotate())?.status, 200, 'nobody signs');
  const meanwhile = await agents[0]?.status();
  t.match(meanwhile?.lastError?.line, /was not approved yet, within 3 s/);
  t.equal(meanwhile?.certificate?.serialNumber, before?.certificate?.serialNumber, 'the identity stays');
  t.equal(meanwhile?.ready, true);
  standby.kill('SIGCONT');

  await findLeader([standby]);
  t.equal((await agents[0]?.rotate())?.status, 200);
  await checkPairWithOpenssl(web);
  t.equal(await readBundle(), bundle, 'with the CA of before');
  t.ok(countSigned(standby) > 0);

  const third = await startReplica('three');
  t.teardown(() => third.stop());
  t.same(await standby.stop(), { code: 0, signal: null }, 'a leader that is asked to end does');
  t.match(standby.log().at(-1)?.event, 'stopped');
  await findLeader([third]);
  const { status } = (await agents[1]?.rotate()) ?? {};
  t.equal(status, 200);
  t.equal(await readBundle(), bundle, 'and a restart keeps the CA');
});
