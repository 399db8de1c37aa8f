/**
 * Two services that talk while their certificates rotate and everything around them is restarted: their agents killed and
 * ended, their Envoys drained and ended.
 *
 * No request may be lost that reached an Envoy which listens. Which did is not guessed from the time at which it failed:
 *
 * - Refused by TCP, on the way to the client's Envoy or, as that one says, from there to the server's: nobody listened.
 *   Counted, and excused while an Envoy is being restarted; at any other time one should have listened.
 * - Reset by TCP, between the Envoys before TLS was there: that may be a connection which waited in the kernel's queue when
 *   the listener was closed, or one which an Envoy accepted and dropped. Only Envoy can tell them apart, so these are
 *   excused like the refused ones, but under a condition: each Envoy, before it is ended, has closed its listeners and
 *   ended what it had accepted, and by its own count has answered as many requests as it accepted connections, in full
 *   handshakes where it speaks TLS. One that is missing there is lost.
 * - Everything else is lost: any TLS failure, any other answer than 200, any timeout, whenever it happens.
 *
 * @module
 */
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Test } from 'tap';
import { type RunningAgent, startAgent } from './agent.ts';
import { type RunningEnvoy, startEnvoy } from './envoy.ts';
import { eventually } from './eventually.ts';
import { freePort } from './free-port.ts';
import { describeClient, describeServer, type MeshService } from './mesh-envoys.ts';
import { type Exchange, sendOverMesh } from './mesh-traffic.ts';
import { makeProvidedMesh } from './provided-mesh.ts';
import type { SecretsBy } from './rotate-under-handshakes.ts';
import { describeDeltaSecrets, describeIstioSecrets } from './sds-shapes.ts';

export interface RestartsOptions {
  /** Empty, and a short path. */
  readonly directory: string;
  readonly secrets: SecretsBy;
  readonly seconds: number;
  readonly rotateEverySeconds: number;
  /** Of the one service, then of the other. */
  readonly restartAgentEverySeconds: number;
  readonly restartEnvoyEverySeconds: number;
}

/** What one Envoy counted in its life. */
export interface EnvoyBooks {
  readonly name: Side;
  readonly accepted: number;
  /** As many as accepted where it does not speak TLS. */
  readonly shaken: number;
  readonly answered: number;
}

export interface RestartsOutcome {
  readonly requests: number;
  /** With 200. */
  readonly answered: number;
  /** Nobody listened. */
  readonly refused: number;
  /** Reset by TCP; see the module. */
  readonly reset: number;
  /** In words: requests that failed otherwise, Envoys that did not answer all they accepted, certificates never used. */
  readonly lost: readonly string[];
  readonly books: readonly EnvoyBooks[];
  /** Certificates that were met, of both sides. */
  readonly certificates: number;
  readonly rotations: number;
  readonly agentRestarts: number;
  readonly envoyRestarts: number;
}

type Side = 'server' | 'client';

/** From before an Envoy is drained until it is live again; wall clock, milliseconds. */
interface Outage {
  readonly fromMs: number;
  readonly untilMs: number;
}

const SIDES = ['server', 'client'] as const;
const REQUEST_EVERY_MS = 25;
/** Many rotations long, and much shorter than the run: a service that is left behind is found. */
const LIFE = '20s';
/** As Node says it, and as Envoy does in a header. */
const REFUSED = /ECONNREFUSED|delayed_connect_error:_Connection_refused/;
/** The same; Envoy's TLS tells what the system said. An alert of the peer reads otherwise. */
const RESET = /ECONNRESET|socket hang up|system_library:OPENSSL_internal:Connection_reset_by_peer/;

interface Member {
  readonly side: Side;
  agent: RunningAgent;
  envoy: RunningEnvoy;
}

/** Runs for so many seconds. @throws when an agent or Envoy does not come up again. */
export async function runThroughRestarts(
  t: Pick<Test, 'teardown'>,
  options: RestartsOptions,
): Promise<RestartsOutcome> {
  const place = await openPlace(options);
  const startMember = async (side: Side): Promise<Member> => {
    const member = { side, agent: await place.startAgent(side), envoy: await place.startEnvoy(side) };
    t.teardown(() => Promise.all([member.agent.stop(), member.envoy.stop()]));
    return member;
  };
  const members = { server: await startMember('server'), client: await startMember('client') };
  const exchanges: Exchange[] = [];
  const books: EnvoyBooks[] = [];
  const outages: Outage[] = [];
  const done = { rotations: 0, agentRestarts: 0, envoyRestarts: 0 };
  const ending = new AbortController();
  t.teardown(() => ending.abort());

  async function request(): Promise<void> {
    while (!ending.signal.aborted) {
      const exchange = await sendOverMesh(place.ports.client, false);
      exchanges.push(exchange);
      await wait(Math.max(0, REQUEST_EVERY_MS - exchange.latencyMs));
    }
  }

  async function rotate(): Promise<void> {
    for (const { agent } of Object.values(members)) {
      if ((await agent.rotate().catch(() => undefined))?.status === 200) done.rotations += 1;
    }
  }

  async function restartAgent(): Promise<void> {
    const member = members[SIDES[done.agentRestarts % SIDES.length] as Side];
    const signal = done.agentRestarts % 4 < 2 ? 'SIGKILL' : 'SIGTERM';
    member.agent.kill(signal);
    await member.agent.exited;
    member.agent = await place.startAgent(member.side);
    done.agentRestarts += 1;
  }

  async function restartEnvoy(): Promise<void> {
    const member = members[SIDES[done.envoyRestarts % SIDES.length] as Side];
    const fromMs = Date.now();
    books.push(await closeBooks(member));
    member.envoy = await place.startEnvoy(member.side);
    outages.push({ fromMs, untilMs: Date.now() });
    done.envoyRestarts += 1;
  }

  const { seconds, rotateEverySeconds, restartAgentEverySeconds, restartEnvoyEverySeconds } = options;
  const requesting = request();
  await Promise.all([
    every(rotateEverySeconds, seconds, rotate),
    every(restartAgentEverySeconds, seconds, restartAgent),
    every(restartEnvoyEverySeconds, seconds, restartEnvoy),
  ]);
  const leftBehind = await findLeftBehind(members, exchanges);
  ending.abort();
  await requesting;
  for (const side of SIDES) books.push(await closeBooks(members[side]));
  const { lost, ...counts } = judge(exchanges, outages, books);
  return { ...counts, lost: [...lost, ...leftBehind], books, ...done };
}

/** The folder, ports and documents, which outlive every process. */
async function openPlace({ directory, secrets }: RestartsOptions) {
  const { mesh } = await makeProvidedMesh(join(directory, 'ca'), LIFE);
  const ports = { server: await freePort(), client: await freePort() };
  const socketOf = (side: Side) => join(directory, side, 's.sock');
  const describe = (side: Side): MeshService => {
    const spiffeId = `spiffe://default/${side}`;
    // Both variants of the protocol.
    const describeSecrets = side === 'server' ? describeIstioSecrets : describeDeltaSecrets;
    const identity =
      secrets === 'files' ? join(directory, side, 'identity') : describeSecrets({ socket: socketOf(side), spiffeId });
    return { spiffeId, identity };
  };
  const [server, client] = [describe('server'), describe('client')];
  const configs = {
    server: describeServer(server, client, ports.server),
    client: describeClient(client, server, ports.server, ports.client),
  };
  return {
    ports,
    startAgent: async (side: Side) => {
      const deliver = secrets === 'sds' && { deliver: `{sds: {socket: ${socketOf(side)}}}` };
      const agent = await startAgent({ directory: join(directory, side), mesh, service: side, ...deliver });
      await agent.waitReady();
      return agent;
    },
    startEnvoy: (side: Side) => startEnvoy({ directory: join(directory, 'envoy'), name: side, config: configs[side] }),
  };
}

/** Does it again and again, every so many seconds from now on, as long as it begins within `seconds`. */
async function every(intervalSeconds: number, seconds: number, act: () => Promise<void>): Promise<void> {
  const startMs = performance.now();
  for (let beat = 1; beat * intervalSeconds < seconds; beat += 1) {
    await wait(Math.max(0, startMs + beat * intervalSeconds * 1000 - performance.now()));
    await act();
  }
  await wait(Math.max(0, startMs + seconds * 1000 - performance.now()));
}

/** Drains an Envoy, takes down what it counted, and ends it. */
async function closeBooks({ side, envoy }: Member): Promise<EnvoyBooks> {
  await envoy.drain();
  const counts = await envoy.stats(
    /^listener\.(mtls|plain)\.(downstream_cx_total|ssl\.handshake)$|downstream_rq_completed$/,
  );
  const name = side === 'server' ? 'mtls' : 'plain';
  const accepted = counts.get(`listener.${name}.downstream_cx_total`) ?? Number.NaN;
  await envoy.stop();
  return {
    name: side,
    accepted,
    shaken: side === 'server' ? (counts.get(`listener.${name}.ssl.handshake`) ?? Number.NaN) : accepted,
    answered: counts.get(`http.${name}.downstream_rq_completed`) ?? Number.NaN,
  };
}

/** @returns in words, if at the end one service does not use the certificate that its agent has. */
async function findLeftBehind(members: Readonly<Record<Side, Member>>, exchanges: readonly Exchange[]) {
  const serialOf = async (side: Side) => (await members[side].agent.status()).certificate?.serialNumber;
  const [server, client] = await Promise.all(SIDES.map(serialOf));
  const areUsed = () => exchanges.at(-1)?.serverSerial === server && exchanges.at(-1)?.clientSerial === client;
  const leftBehind = (error: Error) => [error.message];
  return eventually('both newest certificates are in use', areUsed).then(() => [], leftBehind);
}

function judge(exchanges: readonly Exchange[], outages: readonly Outage[], books: readonly EnvoyBooks[]) {
  const verdicts = exchanges.map((exchange) => judgeExchange(exchange, outages));
  const count = (verdict: string) => verdicts.filter((one) => one === verdict).length;
  const failed = exchanges.flatMap(({ sentAtMs, failure, upstreamFailure = '' }, index) =>
    verdicts[index] === 'lost' ? [`${new Date(sentAtMs).toISOString()} ${failure} ${upstreamFailure}`] : [],
  );
  const unanswered = books
    .filter(({ accepted, shaken, answered }) => accepted !== shaken || accepted !== answered)
    .map(({ name, ...counts }) => `${name}: ${JSON.stringify(counts)}`);
  const serials = exchanges.flatMap(({ serverSerial = '', clientSerial = '' }) => [serverSerial, clientSerial]);
  return {
    requests: exchanges.length,
    answered: count('answered'),
    refused: count('refused'),
    reset: count('reset'),
    lost: [...failed, ...unanswered],
    certificates: new Set(serials.filter((serial) => serial !== '')).size,
  };
}

function judgeExchange(exchange: Exchange, outages: readonly Outage[]): 'answered' | 'refused' | 'reset' | 'lost' {
  const { sentAtMs, latencyMs, failure, upstreamFailure = 'UF' } = exchange;
  if (failure === undefined) return 'answered';
  const isExpected = outages.some(({ fromMs, untilMs }) => sentAtMs <= untilMs && sentAtMs + latencyMs >= fromMs);
  const said = `${failure} ${upstreamFailure}`;
  if (!isExpected || !/^UF\b/.test(upstreamFailure)) return 'lost';
  if (REFUSED.test(said)) return 'refused';
  return RESET.test(said) ? 'reset' : 'lost';
}
