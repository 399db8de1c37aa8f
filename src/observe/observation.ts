/**
 * What an agent shows: it listens to all parts, and answers people, probes and Prometheus.
 *
 * @module
 */
import type { Clock } from '../clock.ts';
import type { DeliveryObserver } from '../delivery/run-delivery.ts';
import { AgentError } from '../errors.ts';
import type { Generation } from '../identity/identity.ts';
import type { IssuerObserver } from '../issuer/issuer.ts';
import type { RotationObserver } from '../rotation/rotation.ts';
import { checkAlive, checkReady, type Health } from './health.ts';
import type { ProcessUsage } from './instruments.ts';
import { type Metrics, openMetrics } from './metrics.ts';
import { type AgentFacts, type AgentState, type CaState, makeState, reconfigureState } from './state.ts';
import { describeStatus, type Status } from './status.ts';

export interface Observation {
  /** For the parts to tell what happens. */
  readonly rotation: RotationObserver;
  readonly delivery: DeliveryObserver;
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
  return {
    rotation: observeRotation(state, metrics, clock),
    delivery: observeDelivery(state, metrics, clock, waiters.changed),
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
      if (next.backend !== state.facts.backend) setCa(state.ca, 'Unknown', 'not asked yet', clock.nowMs());
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

function observeRotation(state: AgentState, metrics: Metrics, clock: Clock): RotationObserver {
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
      if (backend === state.facts.backend) setCa(state.ca, 'Connected', undefined, clock.nowMs());
      overcome(state, 'rotation');
      metrics.rotated(backend, reason);
    },
    failed({ error, backend, retryAtMs }) {
      const atMs = clock.nowMs();
      if (backend === state.facts.backend) setCa(state.ca, 'Unknown', error.message, atMs);
      state.lastError = { source: 'rotation', code: error.code, line: error.line, atMs, retryAtMs };
      metrics.rotationFailed(backend, error.reason);
    },
    ticked() {
      state.lastTickMonotonicMs = clock.monotonicMs();
    },
  };
}

function observeDelivery(
  state: AgentState,
  metrics: Metrics,
  clock: Clock,
  changed: (failed?: { generation: number; error: AgentError }) => void,
): DeliveryObserver {
  const find = (name: string) => state.deliveries.find((delivery) => delivery.name === name);
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

function setCa(ca: CaState, state: CaState['state'], reason: string | undefined, nowMs: number): void {
  if (ca.state !== state) ca.sinceMs = nowMs;
  ca.state = state;
  ca.reason = reason;
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
