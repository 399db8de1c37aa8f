/** What is the same for all programs that a hook tells to read their files again. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { type RunningAgent, startAgent } from '../helpers/agent.ts';
import { eventually } from '../helpers/eventually.ts';
import { freePort } from '../helpers/free-port.ts';
import { renderBuiltinMesh } from '../helpers/kong-mesh.ts';
import { readWithOpenssl } from '../helpers/openssl.ts';
import type { RunningProcess } from '../helpers/process.ts';
import { requestForever } from '../helpers/request-forever.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const ROTATIONS = 8;
/** A rotation is followed by the next one after so many requests that were answered. */
const REQUESTS_BETWEEN = 50;

export interface Reloadable {
  /** Starts the program, which listens on the port by TLS and answers 200. */
  start(place: Place): Promise<RunningProcess>;
  /** YAML of the hook. */
  hook(place: Place): string;
}

export interface Place {
  readonly directory: string;
  /** Where the agent's files are. */
  readonly identity: string;
  readonly port: number;
}

/**
 * Rotates again and again while requests go on.
 *
 * The program starts after the first certificate, so its hook fails until then, and is to succeed by itself.
 */
export async function reloadUnderLoad(t: Test, { start, hook }: Reloadable): Promise<void> {
  const directory = temporaryDirectory(t);
  const place = { directory, identity: join(directory, 'identity'), port: await freePort() };
  const target = `tls:127.0.0.1:${place.port}`;
  const agent = await startAgent({
    directory,
    mesh: renderBuiltinMesh('1h'),
    deliver: `{files: [{directory: ${place.identity}}], hooks: [${hook(place)}], verify: [{tls: "127.0.0.1:${place.port}"}]}`,
  });
  t.teardown(() => agent.stop());
  await agent.waitReady();
  const ran = async () => (await agent.status()).hooks?.[0]?.generation;
  await eventually(
    'the hook has failed, as there is no program',
    async () => (await agent.status()).hooks?.[0]?.failing,
  );

  const program = await start(place);
  t.teardown(() => program.stop());
  await eventually('the hook runs by itself, now that there is one', async () => (await ran()) === 1);

  const requests = requestForever(place.port);
  t.teardown(() => requests.stop());
  const wanted = new Set<string>();
  for (let generation = 2; generation <= ROTATIONS + 1; generation += 1) {
    await eventually(
      'requests are answered',
      () => requests.answered + requests.failures.length >= (generation - 1) * REQUESTS_BETWEEN,
    );
    t.equal((await agent.rotate()).status, 200);
    await waitUntilServed(agent, target, generation);
    const serialNumber = await readSerialNumber(place.identity);
    wanted.add(serialNumber);
    await eventually('callers see the new one', () => requests.serialNumbers.has(serialNumber));
  }
  await requests.stop();
  t.same(requests.failures, [], `${requests.answered} requests were answered`);
  t.ok([...wanted].every((serialNumber) => requests.serialNumbers.has(serialNumber)));
  t.equal(wanted.size, ROTATIONS);
  t.equal(await ran(), ROTATIONS + 1);
  const metrics = await agent.metrics();
  t.equal(metrics.get(`meshcert_served_generation{target="${target}"}`), ROTATIONS + 1);
}

async function waitUntilServed(agent: RunningAgent, target: string, generation: number): Promise<void> {
  await eventually(`generation ${generation} is known to be served`, async () => {
    const { served = [] } = await agent.status();
    return served.some((one) => one.name === target && one.generation === generation);
  });
}

async function readSerialNumber(identity: string): Promise<string> {
  return (await readWithOpenssl(readFileSync(join(identity, 'tls.crt'), 'utf8'))).serialNumber;
}
