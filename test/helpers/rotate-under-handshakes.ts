import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Test } from 'tap';
import { type RunningAgent, startAgent } from './agent.ts';
import { type RunningEnvoy, startEnvoy } from './envoy.ts';
import { eventually } from './eventually.ts';
import { type HandshakeSum, startHandshakeLoad } from './handshake-load.ts';
import { describeServer } from './mesh-envoys.ts';
import { makeProvidedMesh } from './provided-mesh.ts';
import { describeIstioSecrets } from './sds-shapes.ts';

/** How Envoy gets what the agent has. */
export type SecretsBy = 'sds' | 'files';

export interface RotateUnderHandshakesOptions {
  /** Empty, and a short path. */
  readonly directory: string;
  readonly secrets: SecretsBy;
  readonly seconds: number;
  /** New TLS connections. */
  readonly perSecond: number;
}

export interface RotatedUnderHandshakes {
  readonly rotations: number;
  /**
   * For each rotation that a handshake has met: milliseconds from the moment at which the agent had the CA's answer to the
   * end of the first handshake with the new certificate, as the caller sees it.
   */
  readonly servedMs: readonly number[];
  readonly handshakes: HandshakeSum;
  /** The first of them, in words. */
  readonly failures: readonly string[];
  /** The same as Envoy counted it. */
  readonly envoy: { readonly accepted: number; readonly shaken: number; readonly answered: number };
}

const ROTATE_EVERY_MS = 1_000;
/** What is still served after so long fails the handshakes: a rotation that does not reach Envoy is not passed over. */
const LIFE = '10s';

/**
 * An Envoy that serves the identity of an agent which rotates every second, under so many new connections a second, each
 * of which must end in a full handshake and an answer.
 */
export async function rotateUnderHandshakes(
  t: Pick<Test, 'teardown'>,
  { directory, secrets, seconds, perSecond }: RotateUnderHandshakesOptions,
): Promise<RotatedUnderHandshakes> {
  const { mesh, writeIdentity } = await makeProvidedMesh(join(directory, 'ca'), LIFE);
  const identity = await writeIdentity('client');
  const socket = join(directory, 's.sock');
  const agent = await startAgent({
    directory: join(directory, 'agent'),
    mesh,
    service: 'server',
    ...(secrets === 'sds' && { deliver: `{sds: {socket: ${socket}}}` }),
  });
  t.teardown(() => agent.stop());
  await agent.waitReady();
  const spiffeId = 'spiffe://default/server';
  const server = {
    spiffeId,
    identity: secrets === 'files' ? agent.identity : describeIstioSecrets({ socket, spiffeId }),
  };
  const client = { spiffeId: 'spiffe://default/client', identity };
  const envoy = await startEnvoy({ directory, config: describeServer(server, client) });
  t.teardown(() => envoy.stop());

  const load = await startHandshakeLoad({ directory, port: await envoy.listenerPort('mtls'), identity, perSecond });
  t.teardown(() => load.stop());
  const issued = await rotateEverySecond(agent, seconds);
  const last = [...issued.keys()].at(-1) ?? '';
  // In vain: it is missing in what is returned.
  await eventually('the last certificate is served', () => load.servedAtMs().has(last)).catch(() => undefined);
  const handshakes = await load.stop();
  const servedAtMs = load.servedAtMs();
  return {
    rotations: issued.size,
    servedMs: Array.from(issued, ([serialNumber, atMs]) => (servedAtMs.get(serialNumber) ?? Number.NaN) - atMs).filter(
      (ms) => !Number.isNaN(ms),
    ),
    handshakes,
    failures: load.failures(),
    envoy: await readCounts(envoy),
  };
}

/** @returns when each certificate was issued, by serial number; wall clock, milliseconds. */
async function rotateEverySecond(agent: RunningAgent, seconds: number): Promise<ReadonlyMap<string, number>> {
  const issued = new Map<string, number>();
  const startMs = performance.now();
  for (let beat = 1; beat <= seconds; beat += 1) {
    await wait(Math.max(0, startMs + beat * ROTATE_EVERY_MS - performance.now()));
    const { status, text } = await agent.rotate();
    if (status !== 200) throw new Error(`the agent did not rotate: ${status} ${text}`);
    const { certificate } = await agent.status();
    if (certificate !== undefined) issued.set(certificate.serialNumber, Date.parse(certificate.issuedAt));
  }
  return issued;
}

async function readCounts(envoy: RunningEnvoy): Promise<RotatedUnderHandshakes['envoy']> {
  const [accepted = 0, shaken = 0, answered = 0] = await Promise.all(
    ['listener.mtls.downstream_cx_total', 'listener.mtls.ssl.handshake', 'http.mtls.downstream_rq_2xx'].map(envoy.stat),
  );
  return { accepted, shaken, answered };
}
