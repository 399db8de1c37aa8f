import { createPrivateKey } from 'node:crypto';
import { globSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type RunningAgent, startAgent } from '../helpers/agent.ts';
import { openGrpcClient } from '../helpers/grpc-client.ts';
import { renderKubernetesAuth, renderVaultMesh } from '../helpers/kong-mesh.ts';
import { configureKongVaultPki } from '../helpers/kong-vault-pki.ts';
import { fetchSecrets, readSecret } from '../helpers/sds-client.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { uniqueName } from '../helpers/unique-name.ts';
import { createWorkload } from '../helpers/vault-login.ts';

const GENERATIONS = 4;

/** Whoever is started by it cannot write a byte to a file: its output goes through a pipe, all else fails. */
const WITHOUT_FILES = ['bash', '-c', 'exec > >(cat) 2>&1; ulimit -f 0; exec "$@"', '--'];

/** What gives a key away, however it is written down. */
function listTraces(pem: string): Buffer[] {
  const key = createPrivateKey(pem);
  const { d = '' } = key.export({ format: 'jwk' });
  const scalar = Buffer.from(d, 'base64url');
  const [, , line = ''] = pem.split('\n');
  return [scalar, ...[scalar.toString('hex'), d, line].map((text) => Buffer.from(text))];
}

/** The files below the directory, and all that the process has open or mapped, that hold a trace of one of the keys. */
function findTraces(directory: string, pid: number, keys: readonly string[]): string[] {
  const below = readdirSync(directory, { recursive: true, encoding: 'utf8' }).map((name) => join(directory, name));
  const open = globSync(`/proc/${pid}/fd/*`).flatMap((fd) => tryTo(() => readlinkSync(fd)) ?? []);
  const mapped = Array.from(readFileSync(`/proc/${pid}/maps`, 'utf8').matchAll(/ (\/.*)$/gm), ([, path = '']) => path);
  const traces = keys.flatMap(listTraces);
  return [...new Set([...below, ...open, ...mapped])].filter((path) => {
    if (!tryTo(() => lstatSync(path).isFile())) return false;
    const content = readFileSync(path);
    return traces.some((trace) => content.includes(trace));
  });
}

function tryTo<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}

async function prepare(t: Test) {
  const peers = await sharedPeers(t);
  const role = { key_type: 'ec', key_bits: '256' };
  const mount = uniqueName('pki');
  const { policy } = await configureKongVaultPki(peers.vault, { mesh: 'default', mount, role });
  const directory = temporaryDirectory(t);
  const workload = await createWorkload(peers, { directory, policies: [policy] });
  const auth = renderKubernetesAuth(workload);
  return { directory, mesh: renderVaultMesh({ address: peers.vault.address, pki: mount, auth }) };
}

/** Collects the keys of some generations from the socket. */
async function rotateAndFetch(t: Test, agent: RunningAgent, socket: string): Promise<string[]> {
  const client = openGrpcClient(t, socket);
  const keys: string[] = [];
  for (let generation = 1; generation <= GENERATIONS; generation += 1) {
    const { resources } = await fetchSecrets(client, { resourceNames: ['default'] });
    keys.push(...resources.map((resource) => readSecret(resource).privateKey ?? ''));
    t.equal((await agent.rotate()).status, 200);
  }
  return keys;
}

t.test('an agent that cannot write files delivers keys, and leaves no trace of them', async (t) => {
  const { directory, mesh } = await prepare(t);
  const socket = join(directory, 's.sock');
  const agent = await startAgent({
    directory,
    mesh,
    deliver: `{sds: {socket: ${socket}}}`,
    startedBy: WITHOUT_FILES,
    env: { TMPDIR: directory },
  });
  t.teardown(() => agent.stop());
  await agent.waitReady();
  const keys = await rotateAndFetch(t, agent, socket);
  t.equal(new Set(keys).size, GENERATIONS);
  t.same(findTraces(directory, agent.pid, keys), []);
  t.equal((await agent.stop()).code, 0);
});

t.test('with files the same search finds the key', async (t) => {
  const { directory, mesh } = await prepare(t);
  const socket = join(directory, 's.sock');
  const deliver = `{files: [{directory: ${directory}/identity}], sds: {socket: ${socket}}}`;
  const agent = await startAgent({ directory, mesh, deliver });
  t.teardown(() => agent.stop());
  await agent.waitReady();
  const keys = await rotateAndFetch(t, agent, socket);
  t.match(findTraces(directory, agent.pid, keys).join(' '), /tls\.key/);
});
