/**
 * The composition root: the one file that knows every part. Configuration in, a running agent out.
 *
 * @module
 */
import { isDeepStrictEqual } from 'node:util';
import { answer } from './agent/answer.ts';
import { isSameIssue, sayWhatNeedsARestart } from './agent/compare-configs.ts';
import { makeDeliveryDelay, prepareDeliveries, type RunningDeliveries } from './agent/deliveries.ts';
import { collectFacts, NO_DELIVERIES } from './agent/facts.ts';
import { giveUpWhenAborted } from './agent/give-up.ts';
import { openIssuers } from './agent/issuers.ts';
import { makePlan } from './agent/plan.ts';
import { watchFirst } from './agent/watch-first.ts';
import type { Clock } from './clock.ts';
import type { Config } from './config/config.ts';
import type { ReadDataSource } from './data-source.ts';
import { AgentError } from './errors.ts';
import { type ProbedBackend, watchHealth } from './issuer/watch-health.ts';
import type { Log } from './log.ts';
import { type ObservationPorts, openObservation } from './observe/observation.ts';
import type { Status } from './observe/status.ts';
import type { RotationReason } from './rotation/plan.ts';
import { Rotation } from './rotation/rotation.ts';
import { watchExpiry } from './rotation/watch-expiry.ts';
import { IdentityStore } from './store/identity-store.ts';
import { openAnchorsKeeper } from './trust/keep-anchors.ts';
import { openPublisher } from './trust/publish.ts';
import { TrustBundle } from './trust/trust-bundle.ts';
import { openRootsWatch } from './trust/watch-roots.ts';

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
  /** What programs of hooks inherit a part of. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Signals a process, or with a negative number its group; throws the error of `kill(2)`. */
  readonly sendSignal: (pid: number, signal: NodeJS.Signals) => void;
}

export interface Agent {
  /** Asks for a new generation now. A failure is logged, and tried again by the loop. */
  rotate(reason: RotationReason, signal: AbortSignal): Promise<void>;
  /** Goes on by another configuration. What is in service stays until what the new one asks for is there. */
  reconfigure(config: Config): Promise<void>;
  /** A credential or a CA that the configuration names was stored anew. */
  sourcesChanged(): void;
  status(): Status;
  /** False: its loop stands still, and nothing but a restart would help. */
  isAlive(): boolean;
  /**
   * Issues, delivers, rotates and answers until the signal is aborted or somebody asks it to quit, then closes what was
   * opened.
   *
   * @param answering is called when the sockets are open.
   * @throws AgentError `ERR_LISTEN`
   */
  run(signal: AbortSignal, answering?: () => void): Promise<void>;
  /**
   * Issues and delivers one generation, and closes what was opened. Does nothing while mTLS is off. Failures that pass
   * by themselves are waited for.
   *
   * @throws AgentError of the first failure that somebody has to mend; of the last one when the signal is aborted.
   */
  runOnce(signal: AbortSignal): Promise<void>;
}

/** Puts the parts of an agent together. Touches neither network nor files; those wait for `run`. */
export async function openAgent(firstConfig: Config, ports: AgentPorts): Promise<Agent> {
  const { clock, log, random, readSource } = ports;
  let config = firstConfig;
  const deliveryLog = { clock, log, retryDelayMs: makeDeliveryDelay(random) };
  const identities = new IdentityStore();
  const trust = new TrustBundle();
  const observation = openObservation(collectFacts(config, NO_DELIVERIES, ports.facts), ports);
  let deliveries = await openDeliveriesOf(config);
  observation.reconfigured(collectFacts(config, deliveries, ports.facts));

  const issuers = openIssuers(({ name: backend, requestTimeoutMs }) => {
    const observer = observation.issuer(backend);
    const { mesh, spiffeId } = config;
    return {
      backend,
      mesh,
      trustDomain: spiffeId.trustDomain,
      requestTimeoutMs,
      readSource,
      clock,
      random,
      log,
      observer,
    };
  });
  const lifetimes = new Map(config.backends.map(({ name, ttlSeconds }) => [name, ttlSeconds * 1000]));
  const lifetimeMs = (backend: string) => lifetimes.get(backend) ?? 0;
  const publisher = openPublisher({
    identities,
    trust,
    lifetimeMs,
    waitUntilDelivered: observation.waitUntilDelivered,
    bundleChanged: observation.bundleChanged,
    clock,
    log,
  });
  const first = watchFirst(observation.rotation);
  const kept = openAnchorsKeeper({
    trust,
    directory: () => config.deliver.files[0]?.directory,
    trustDomain: () => config.spiffeId.trustDomain,
    lifetimeMs,
    isConfigured: (backend) => config.backends.some(({ name }) => name === backend),
    clock,
    log,
  });
  const sink = { publish: publisher.publish, withdraw: () => identities.withdraw() };
  const rotation = new Rotation(makePlan(config, issuers), { sink, clock, random, log, observer: first.observer });
  const roots = openRootsWatch(
    () =>
      config.backends.map((backend) => ({
        name: backend.name,
        isEnabled: backend.name === config.backend?.name,
        lifetimeMs: backend.ttlSeconds * 1000,
        open: () => issuers.get(backend),
      })),
    {
      trust,
      clock,
      random,
      log,
      changed: async () => {
        await publisher.publishBundle();
        kept.save();
      },
      caChanged: () => void rotation.rotateNow('ca_changed').catch(() => undefined),
    },
  );
  const closing = new AbortController();
  let redeliver = new AbortController();

  function openDeliveriesOf({ deliver }: Config): Promise<RunningDeliveries> {
    const { delivery: observer, hook: hooks, served, sds } = observation;
    return prepareDeliveries(
      deliver,
      { ...ports, sds, pid: ports.facts.pid },
      { ...deliveryLog, observer, hooks, served },
    );
  }

  async function rotate(reason: RotationReason, signal: AbortSignal): Promise<number> {
    if (config.backend === undefined) {
      throw new AgentError('ERR_AGENT', `mTLS is off: the Mesh "${config.mesh}" enables no backend`);
    }
    const { number } = await rotation.rotateNow(reason);
    await observation.waitUntilDelivered(number, signal);
    return number;
  }

  function sayWhenOff(): void {
    if (config.backend !== undefined) return;
    log.info('mTLS is off: the Mesh enables no backend, nothing is issued', { mesh: config.mesh });
  }

  const findLastError = () => observation.status().lastError?.line;

  /** While an issue fails, that tells more. */
  function findProbed(): ProbedBackend | undefined {
    const { backend } = config;
    if (backend === undefined || rotation.isFailing) return undefined;
    return { backend: backend.name, open: () => issuers.get(backend) };
  }

  /** Until the signal is aborted. */
  async function deliver(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await deliveries.run(identities, AbortSignal.any([signal, redeliver.signal]));
    }
  }

  /** Until the signal is aborted. */
  async function keepFresh(signal: AbortSignal): Promise<void> {
    sayWhenOff();
    kept.restore();
    await Promise.all([
      rotation.run(signal),
      watchExpiry(identities, ports, signal),
      deliver(signal),
      watchHealth(findProbed, { clock, random, log, observer: observation.health }, signal),
    ]);
    await issuers.keep([]);
  }

  /** Sockets cost a tenth of the time to the first certificate; whoever would ask on them has not started yet. */
  async function waitForFirst(delivered: Promise<void>, signal: AbortSignal): Promise<void> {
    if (config.backend === undefined) return;
    await Promise.race([delivered.catch(() => undefined), clock.sleep(ANSWER_AFTER_MS, signal)]);
  }

  return {
    async rotate(reason, signal) {
      await rotate(reason, signal);
    },

    async reconfigure(next) {
      const before = config;
      if (isDeepStrictEqual(before, next)) return;
      const areDeliveriesOld = !isDeepStrictEqual(before.deliver, next.deliver);
      const nextDeliveries = areDeliveriesOld ? await openDeliveriesOf(next) : deliveries;
      config = next;
      deliveries = nextDeliveries;
      observation.reconfigured(collectFacts(next, deliveries, ports.facts));
      sayWhatNeedsARestart(before, next, log);
      sayWhenOff();
      for (const { name, ttlSeconds } of before.backends) {
        if (!next.backends.some((one) => one.name === name)) trust.retire(name, ttlSeconds * 1000, clock.nowMs());
      }
      for (const { name, ttlSeconds } of next.backends) lifetimes.set(name, ttlSeconds * 1000);
      if (isSameIssue(before, next)) rotation.adopt(makePlan(next, issuers));
      else rotation.follow(makePlan(next, issuers));
      await issuers.keep(next.mesh === before.mesh ? next.backends : []);
      roots.lookNow();
      if (areDeliveriesOld) {
        redeliver.abort();
        redeliver = new AbortController();
      }
      log.info('configuration changed', { mesh: next.mesh, backend: next.backend?.name });
    },

    sourcesChanged() {
      roots.lookNow();
      if (rotation.isFailing) rotation.rotateNow('reconfigured').catch(() => undefined);
    },

    status: () => observation.status(),
    isAlive: () => observation.alive().ok,

    async run(signal, answering = () => undefined) {
      const either = AbortSignal.any([signal, closing.signal]);
      const actions = {
        status: () => observation.status(),
        rotate: (gone: AbortSignal) => rotate('requested', gone),
        quit: () => closing.abort(),
      };
      const freshness = keepFresh(either);
      const delivered = observation.waitUntilDelivered(1, either);
      // prom-client costs as much as all the rest, and the CAs of other backends are nobody's first need.
      // Also when a delivery fails: what is delivered in the end needs both as much.
      const later = delivered
        .catch(() => undefined)
        .then(async () => {
          if (!either.aborted) await Promise.all([observation.metrics.load(), roots.run(either)]);
        })
        .catch(() => undefined);
      try {
        await waitForFirst(delivered, either);
        await answer(config, actions, { observation, clock, log }, answering, either);
      } finally {
        closing.abort();
        await Promise.all([freshness, later]);
      }
    },

    async runOnce(signal) {
      // There is no other one that would live for longer.
      rotation.adopt({ ...makePlan(config, issuers), spreads: false });
      const freshness = keepFresh(closing.signal);
      try {
        const delivered = first.issued.then(() => observation.waitUntilDelivered(1, closing.signal));
        if (config.backend !== undefined) await Promise.race([delivered, giveUpWhenAborted(signal, findLastError)]);
        if (config.backends.length > 1) await roots.look(signal);
        const current = identities.current();
        if (current !== undefined) {
          await observation.waitUntilDelivered(current.number, signal);
          kept.save();
          await deliveries.waitForHooks(current.number, signal);
        }
      } finally {
        closing.abort();
        await freshness;
      }
    },
  };
}
