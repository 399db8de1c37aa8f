/**
 * The composition root: the one file that knows every part. Configuration in, a running agent out.
 *
 * @module
 */
import { once } from 'node:events';
import type { Clock } from './clock.ts';
import type { Backend, Config } from './config/config.ts';
import type { ReadDataSource } from './data-source.ts';
import type { Delivery } from './delivery/delivery.ts';
import { openDeliveries } from './delivery/open.ts';
import { runDelivery } from './delivery/run-delivery.ts';
import { AgentError } from './errors.ts';
import type { Issuer } from './issuer/issuer.ts';
import { openIssuer } from './issuer/open.ts';
import type { Log } from './log.ts';
import { type Observation, type ObservationPorts, openObservation } from './observe/observation.ts';
import type { AgentFacts } from './observe/state.ts';
import { computeRetryDelayMs } from './rotation/backoff.ts';
import { Rotation, type RotationObserver, type RotationPorts, type RotationReason } from './rotation/rotation.ts';
import { watchExpiry } from './rotation/watch-expiry.ts';
import { IdentityStore } from './store/identity-store.ts';

/** How long the sockets wait for the first certificate to be out. */
const ANSWER_AFTER_MS = 250;

/** What an agent needs of the world. */
export interface AgentPorts {
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly log: Log;
  readonly readSource: ReadDataSource;
  readonly readUsage: ObservationPorts['readUsage'];
  readonly facts: { readonly version: string; readonly nodeVersion: string; readonly pid: number };
  /** Numeric user of this process, for the words of errors. */
  readonly uid: number | undefined;
}

export interface Agent {
  /** Asks for a new generation now. A failure is logged, and tried again by the loop. */
  rotate(reason: RotationReason, signal: AbortSignal): Promise<void>;
  /**
   * Issues, delivers, rotates and answers until the signal is aborted or somebody asks it to quit, then closes what was
   * opened.
   *
   * @throws AgentError `ERR_LISTEN`
   */
  run(signal: AbortSignal): Promise<void>;
  /**
   * Issues and delivers one generation, and closes what was opened. Does nothing while mTLS is off. Failures that pass
   * by themselves are waited for.
   *
   * @throws AgentError of the first failure that somebody has to mend; of the last one when the signal is aborted.
   */
  runOnce(signal: AbortSignal): Promise<void>;
}

/** Puts the parts of an agent together. Touches neither network nor files; those wait for `run`. */
export async function openAgent(config: Config, ports: AgentPorts): Promise<Agent> {
  const { clock, log, random } = ports;
  const { mesh, backend } = config;
  const store = new IdentityStore();
  const deliveries = await openDeliveries(config.deliver, ports);
  const observation = openObservation(collectFacts(config, deliveries, ports), ports);
  const first = watchFirst(observation.rotation);
  const issuer = backend && (await openBackend(backend, mesh, ports, observation));
  const rotation =
    backend && issuer && openRotation(config, backend, { ...ports, issuer, sink: store, observer: first.observer });
  const deliveryPorts = { clock, log, observer: observation.delivery, retryDelayMs: makeDeliveryDelay(random) };
  const closing = new AbortController();

  async function rotate(reason: RotationReason, signal: AbortSignal): Promise<number> {
    if (rotation === undefined) throw new AgentError('ERR_AGENT', `mTLS is off: the Mesh "${mesh}" enables no backend`);
    const { number } = await rotation.rotateNow(reason);
    await observation.waitUntilDelivered(number, signal);
    return number;
  }

  /** Until the signal is aborted. */
  async function keepFresh(signal: AbortSignal): Promise<void> {
    if (rotation === undefined) log.info('mTLS is off: the Mesh enables no backend, nothing is issued', { mesh });
    await Promise.all([
      rotation?.run(signal),
      watchExpiry(store, ports, signal),
      ...deliveries.map((delivery) => runDelivery(delivery, store, deliveryPorts, signal)),
    ]);
    await Promise.all([issuer?.close(), ...deliveries.map((delivery) => delivery.close())]);
  }

  /** Until the signal is aborted. */
  async function answer(signal: AbortSignal): Promise<void> {
    // Sockets cost a tenth of the time to the first certificate; whoever would ask on them has not started yet.
    const delivered = observation.waitUntilDelivered(1, signal);
    if (rotation !== undefined)
      await Promise.race([delivered.catch(() => undefined), clock.sleep(ANSWER_AFTER_MS, signal)]);
    const [{ openTelemetryServer }, { openAdminServer }] = await Promise.all([
      import('./observe/telemetry-server.ts'),
      import('./observe/admin-server.ts'),
    ]);
    const telemetry = await openTelemetryServer(config.telemetry, observation, log);
    const actions = {
      status: () => observation.status(),
      rotate: (gone: AbortSignal) => rotate('requested', gone),
      quit: () => closing.abort(),
    };
    const admin = await openAdminServer(config.admin.socket, actions, ports).catch(async (thrown: unknown) => {
      await telemetry.close();
      throw thrown;
    });
    log.info('answering', { telemetry: telemetry.url, admin: config.admin.socket });
    // prom-client costs as much as all the rest, so it waits until the first certificate is out.
    delivered.then(observation.metrics.load).catch(() => undefined);
    if (!signal.aborted) await once(signal, 'abort');
    await Promise.all([telemetry.close(), admin.close()]);
  }

  return {
    async rotate(reason, signal) {
      await rotate(reason, signal);
    },
    async run(signal) {
      const either = AbortSignal.any([signal, closing.signal]);
      const freshness = keepFresh(either);
      try {
        await answer(either);
      } finally {
        closing.abort();
        await freshness;
      }
    },
    async runOnce(signal) {
      const freshness = keepFresh(closing.signal);
      try {
        const gaveUp = rejectWhenAborted(signal, observation);
        const delivered = first.issued.then(() => observation.waitUntilDelivered(1, closing.signal));
        if (rotation !== undefined) await Promise.race([delivered, gaveUp]);
      } finally {
        closing.abort();
        await freshness;
      }
    },
  };
}

function collectFacts(config: Config, deliveries: readonly Delivery[], { facts }: AgentPorts): AgentFacts {
  return {
    ...facts,
    mesh: config.mesh,
    name: config.service,
    spiffeId: config.spiffeId.toString(),
    backend: config.backend?.name,
    supportedBackends: config.supportedBackends,
    deliveries: deliveries.map(({ name }) => name),
  };
}

async function openBackend(
  { name, requestTimeoutMs, issuer }: Backend,
  mesh: string,
  { clock, log, readSource }: AgentPorts,
  observation: Observation,
): Promise<Issuer> {
  const observer = observation.issuer(name);
  return openIssuer(issuer, { backend: name, mesh, requestTimeoutMs, readSource, clock, log, observer });
}

function openRotation(
  { spiffeId, keyType, rotation: { jitterRatio } }: Config,
  { name, ttlSeconds }: Backend,
  ports: RotationPorts,
): Rotation {
  return new Rotation({ backend: name, spiffeId, keyType, ttlSeconds, jitterRatio }, ports);
}

/** Listens in on a rotation for its first success, or the first failure that somebody has to mend. */
function watchFirst(observer: RotationObserver): { observer: RotationObserver; issued: Promise<void> } {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  promise.catch(() => undefined);
  return {
    issued: promise,
    observer: {
      ...observer,
      rotated(event) {
        observer.rotated(event);
        resolve();
      },
      failed(event) {
        observer.failed(event);
        if (event.error.retry !== 'soon') reject(event.error);
      },
    },
  };
}

function rejectWhenAborted(signal: AbortSignal, observation: Observation): Promise<never> {
  return new Promise((_, reject) => {
    const giveUp = () => {
      const last = observation.status().lastError?.line ?? 'the CA has not answered yet';
      reject(new AgentError('ERR_AGENT', `gave up before the first certificate was delivered: ${last}`));
    };
    if (signal.aborted) giveUp();
    else signal.addEventListener('abort', giveUp, { once: true });
  });
}

/** A full disk is no reason for haste: the old generation is in service meanwhile. */
function makeDeliveryDelay(random: () => number): (attempt: number) => number {
  return (failuresBefore) =>
    computeRetryDelayMs(
      { retry: 'soon', failuresBefore, remainingLifeMs: undefined, retryAfterMs: undefined },
      random(),
    );
}
