/**
 * What an agent shows: it listens to all parts, and answers people, probes and Prometheus.
 *
 * @module
 */
import type { Clock } from '../clock.ts';
import type { DeliveryObserver } from '../delivery/run-delivery.ts';
import type { SdsObserver } from '../delivery/sds/sds.ts';
import type { ServedObserver } from '../delivery/verify/watch-served.ts';
import { AgentError } from '../errors.ts';
import type { Generation } from '../identity/identity.ts';
import type { IssuerObserver } from '../issuer/issuer.ts';
import type { HealthObserver } from '../issuer/watch-health.ts';
import type { RotationObserver } from '../rotation/rotation.ts';
import { type CaHealth, openCaHealth } from './ca-health.ts';
import { checkAlive, checkReady, type Health } from './health.ts';
import type { ProcessUsage } from './instruments.ts';
import { type Metrics, openMetrics } from './metrics.ts';
import { type AgentFacts, type AgentState, type DeliveryState, makeState, reconfigureState } from './state.ts';
import { describeStatus, type Status } from './status.ts';

export interface Observation {
  /** For the parts to tell what happens. */
  readonly rotation: RotationObserver;
  readonly delivery: DeliveryObserver;
  /** Of hooks: counted like deliveries, and nobody waits for them. */
  readonly hook: DeliveryObserver;
  readonly served: ServedObserver;
  readonly sds: SdsObserver;
  readonly health: HealthObserver;
  issuer(backend: string): IssuerObserver;

  /** The certificate of before is in service with another trust bundle. */
  bundleChanged(generation: Generation): void;
  /** Another configuration is in force. */
  reconfigured(facts: AgentFacts): void;

  status(): Status;
  ready(): Health;
  alive(): Health;
  readonly metrics: Pick<Metrics, 'load' | 'render'>;
  /**
   * Resolves when every delivery holds this generation or a newer one.
   *
   * @throws AgentError of the first delivery that fails to take it; `ERR_AGENT` when the signal is aborted before.
   */
  waitUntilDelivered(generation: number, signal: AbortSignal): Promise<void>;
}

export interface ObservationPorts {
  readonly clock: Clock;
  readonly readUsage: () => ProcessUsage;
}

export function openObservation(facts: AgentFacts, { clock, readUsage }: ObservationPorts): Observation {
  const state = makeState(facts, clock.nowMs(), clock.monotonicMs());
  const metrics = openMetrics({ state, nowMs: () => clock.nowMs(), readUsage });
  const waiters = openWaiters(state);
  const health = openCaHealth(state, () => clock.nowMs());
  return {
    rotation: observeRotation(state, metrics, health, clock),
    delivery: observeDelivery(() => state.deliveries, state, metrics, clock, waiters.changed),
    hook: observeDelivery(
      () => state.hooks,
      state,
      metrics,
      clock,
      () => {},
    ),
    served: observeServed(state, metrics, clock),
    sds: {
      streamOpened() {
        state.sdsStreams += 1;
      },
      streamClosed() {
        state.sdsStreams -= 1;
      },
      rejected: metrics.sdsRejected,
    },
    health,
    issuer: (backend) => ({
      stepTook: (step, seconds) => metrics.issueStepTook(backend, step, seconds),
      clockSkewSeen(seconds) {
        state.clockSkewSeconds = seconds;
      },
      credentialExpires: (kind, atMs) => void state.credentials.set(kind, atMs),
    }),
    bundleChanged({ number, trustBundle }) {
      if (state.certificate === undefined) return;
      const trustBundleCertificates = trustBundle.length;
      state.certificate = { ...state.certificate, generation: number, trustBundleCertificates };
    },
    reconfigured(next) {
      if (next.backend !== state.facts.backend) {
        health.forget();
        state.credentials.clear();
      }
      reconfigureState(state, next);
      waiters.changed();
    },
    status: () => describeStatus(state, clock.nowMs()),
    ready: () => checkReady(state, clock.nowMs()),
    alive: () => checkAlive(state, clock.monotonicMs()),
    metrics,
    waitUntilDelivered: waiters.wait,
  };
}

function observeRotation(state: AgentState, metrics: Metrics, health: CaHealth, clock: Clock): RotationObserver {
  return {
    rotated({ generation, reason, dueAtMs }) {
      const { number, backend, serialNumber, notBefore, notAfter, issuedAt, trustBundle } = generation;
      state.certificate = {
        generation: number,
        backend,
        serialNumber,
        notBeforeMs: notBefore.getTime(),
        notAfterMs: notAfter.getTime(),
        issuedAtMs: issuedAt.getTime(),
        rotatesAtMs: dueAtMs,
        trustBundleCertificates: trustBundle.length,
      };
      state.regenerations += 1;
      health.issued(backend);
      overcome(state, 'rotation');
      metrics.rotated(backend, reason);
    },
    failed({ error, backend, retryAtMs }) {
      const atMs = clock.nowMs();
      health.notIssued(backend, error);
      state.lastError = { source: 'rotation', code: error.code, line: error.line, atMs, retryAtMs };
      metrics.rotationFailed(backend, error.reason);
    },
    ticked() {
      state.lastTickMonotonicMs = clock.monotonicMs();
    },
  };
}

function observeDelivery(
  list: () => readonly DeliveryState[],
  state: AgentState,
  metrics: Metrics,
  clock: Clock,
  changed: (failed?: { generation: number; error: AgentError }) => void,
): DeliveryObserver {
  const find = (name: string) => list().find((delivery) => delivery.name === name);
  const succeeded = (name: string, held: { generation: number; notAfterMs: number } | undefined) => {
    const delivery = find(name);
    if (delivery !== undefined) Object.assign(delivery, { held, failing: undefined });
    overcome(state, name);
  };
  return {
    delivered({ delivery, generation, seconds }) {
      succeeded(delivery, { generation: generation.number, notAfterMs: generation.notAfter.getTime() });
      metrics.delivered(delivery, seconds);
      changed();
    },
    withdrawn: ({ delivery }) => succeeded(delivery, undefined),
    failed({ delivery, generation, error, retryAtMs }) {
      const found = find(delivery);
      if (found !== undefined) found.failing = error.line;
      const { code, line } = error;
      state.lastError = { source: delivery, code, line, atMs: clock.nowMs(), retryAtMs };
      metrics.deliveryFailed(delivery);
      if (generation !== undefined) changed({ generation: generation.number, error });
    },
  };
}

function observeServed(state: AgentState, metrics: Metrics, clock: Clock): ServedObserver {
  const find = (name: string) => state.targets.find((target) => target.name === name);
  return {
    served({ target, generation: { number: generation, notAfter }, seconds }) {
      const found = find(target);
      const held = { generation, notAfterMs: notAfter.getTime() };
      if (found !== undefined) Object.assign(found, { held, failing: undefined });
      overcome(state, target);
      metrics.served(target, seconds);
    },
    late({ target, error: { code, line }, retryAtMs }) {
      const found = find(target);
      if (found !== undefined) found.failing = line;
      state.lastError = { source: target, code, line, atMs: clock.nowMs(), retryAtMs };
      metrics.servedLate(target);
    },
  };
}

function overcome({ lastError }: AgentState, source: string): void {
  if (lastError?.source === source) lastError.retryAtMs = undefined;
}

interface Waiter {
  readonly generation: number;
  readonly resolve: () => void;
  readonly reject: (error: AgentError) => void;
}

function openWaiters(state: AgentState) {
  const waiters = new Set<Waiter>();
  const isDelivered = (number: number) => state.deliveries.every(({ held }) => (held?.generation ?? 0) >= number);

  function changed(failed?: { generation: number; error: AgentError }): void {
    for (const waiter of waiters) {
      if (isDelivered(waiter.generation)) waiter.resolve();
      else if (failed !== undefined && failed.generation >= waiter.generation) waiter.reject(failed.error);
    }
  }

  async function wait(generation: number, signal: AbortSignal): Promise<void> {
    if (isDelivered(generation)) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter = { generation, resolve, reject };
    const giveUp = () => reject(new AgentError('ERR_AGENT', `generation ${generation} is issued, not delivered yet`));
    waiters.add(waiter);
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      if (signal.aborted) giveUp();
      await promise;
    } finally {
      waiters.delete(waiter);
      signal.removeEventListener('abort', giveUp);
    }
  }

  return { changed, wait };
}
