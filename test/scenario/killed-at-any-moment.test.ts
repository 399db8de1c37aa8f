import { readdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import t from 'tap';
import { type RunningAgent, startAgent } from '../helpers/agent.ts';
import { expectLinesOnly } from '../helpers/expect-not-ready.ts';
import { listGenerations } from '../helpers/files-bench.ts';
import { renderBuiltinMesh, renderKubernetesAuth, renderVaultMesh } from '../helpers/kong-mesh.ts';
import { configureKongVaultPki } from '../helpers/kong-vault-pki.ts';
import { startMeshTraffic } from '../helpers/mesh-traffic.ts';
import { checkPairWithOpenssl } from '../helpers/openssl.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { uniqueName } from '../helpers/unique-name.ts';
import { createWorkload } from '../helpers/vault-login.ts';

const ROUNDS = 20;
const FIRST_STARTS = 8;

/** Asks for one rotation after the other, as soon as somebody can be asked. @returns how many were delivered */
async function rotateForever(agent: RunningAgent, signal: AbortSignal): Promise<number> {
  let delivered = 0;
  while (!signal.aborted) {
    const answer = await agent.rotate().catch(() => undefined);
    if (answer?.status === 200) delivered += 1;
    if (answer === undefined) await wait(2);
  }
  return delivered;
}

/** Starts an agent, keeps it busy, and kills it at a random moment after its start or after its first certificate. */
async function startAndKill(
  start: () => Promise<RunningAgent>,
  { longestMs, isReadyFirst }: { readonly longestMs: number; readonly isReadyFirst: boolean },
): Promise<{ delivered: number; afterMs: number }> {
  const afterMs = Math.random() * longestMs;
  const agent = await start();
  if (isReadyFirst) await agent.waitReady();
  const killed = new AbortController();
  const rotating = rotateForever(agent, killed.signal);
  await wait(afterMs);
  agent.kill('SIGKILL');
  await agent.exited;
  killed.abort();
  return { delivered: await rotating, afterMs };
}

t.test('killed while it rotates: readers can use what lies there, and the next start goes on', async (t) => {
  const peers = await sharedPeers(t);
  const role = { key_type: 'ec', key_bits: '256' };
  const pki = await configureKongVaultPki(peers.vault, { mesh: 'default', mount: uniqueName('pki'), role });
  const directory = temporaryDirectory(t);
  const workload = await createWorkload(peers, { directory, policies: [pki.policy] });
  const { address } = peers.vault;
  const auth = renderKubernetesAuth(workload);
  const start = () => startAgent({ directory, mesh: renderVaultMesh({ address, pki: pki.mount, auth }) });

  const first = await start();
  await first.waitReady();
  const { identity } = first;
  const self = { spiffeId: 'spiffe://default/web', identity };
  const traffic = await startMeshTraffic({ directory, server: self, client: self, everyMs: 10 });
  t.teardown(() => traffic.stop());
  first.kill('SIGKILL');
  await first.exited;

  let delivered = 0;
  let unfinished = 0;
  for (let round = 1; round <= ROUNDS; round += 1) {
    // Long enough for some rotations.
    const killed = await startAndKill(start, { longestMs: 500, isReadyFirst: round % 2 === 0 });
    delivered += killed.delivered;
    await t.resolves(
      checkPairWithOpenssl(realpathSync(join(identity, '..data'))),
      `round ${round}: killed after ${killed.afterMs.toFixed(0)} ms and ${killed.delivered} rotations`,
    );
    unfinished += listGenerations(identity).filter((name) => !isWhole(join(identity, name))).length;
  }
  t.comment(`${delivered} rotations in ${ROUNDS} lives; ${unfinished} sightings of a generation cut off half-written`);
  t.ok(delivered > 5, `${delivered} rotations were asked for and delivered`);

  const last = await start();
  t.teardown(() => last.stop());
  await last.waitReady();
  t.match(JSON.parse((await last.rotate()).text), { generation: Number });
  await checkPairWithOpenssl(identity);
  expectLinesOnly(t, last);

  t.same(traffic.failures().slice(0, 5), [], 'two Envoys that live on these files never noticed');
  t.ok(traffic.exchanges.length > 100, `in ${traffic.exchanges.length} requests`);
  for (const envoy of [traffic.serverEnvoy, traffic.clientEnvoy]) {
    t.equal(await envoy.stat('sds.default.key_rotation_failed'), 0);
    t.equal(await envoy.stat('sds.default.update_rejected'), 0);
  }
});

t.test('killed at its first start, while it makes a CA of its own: the next start goes on', async (t) => {
  for (let round = 1; round <= FIRST_STARTS; round += 1) {
    const directory = temporaryDirectory(t);
    const start = () => startAgent({ directory, mesh: renderBuiltinMesh('1h') });
    const { afterMs } = await startAndKill(start, { longestMs: 250, isReadyFirst: false });
    const agent = await start();
    await agent.waitReady();
    await t.resolves(checkPairWithOpenssl(agent.identity), `killed after ${afterMs.toFixed(0)} ms`);
    expectLinesOnly(t, agent);
    await agent.stop();
  }
});

function isWhole(generation: string): boolean {
  return readdirSync(generation).length === 6;
}
