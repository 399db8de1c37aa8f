/**
 * What an agent remembers about itself, in milliseconds and plain values: never a key. Observers write it, and health,
 * status and metrics are read from it.
 *
 * @module
 */
import type { ErrorCode } from '../errors.ts';

/** What is known before anything happens. */
export interface AgentFacts {
  readonly mesh: string;
  /** The pod's name or the service. */
  readonly name: string;
  readonly spiffeId: string;
  /** The backend in use. Undefined: mTLS is off. */
  readonly backend: string | undefined;
  readonly supportedBackends: readonly string[];
  /** Names of the deliveries, of the hooks that follow them, and of the targets that are to serve what was delivered. */
  readonly deliveries: readonly string[];
  readonly hooks: readonly string[];
  readonly targets: readonly string[];
  readonly version: string;
  /** Version of Node. */
  readonly nodeVersion: string;
  readonly pid: number;
}

/** The certificate that was issued last. */
export interface CertificateState {
  readonly generation: number;
  readonly backend: string;
  readonly serialNumber: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly issuedAtMs: number;
  readonly rotatesAtMs: number;
  readonly trustBundleCertificates: number;
}

/**
 * The CA health of the Tanzu seed. `Connected`: it signed, or said that it could, when last asked. `Unknown`: it did not,
 * or was not asked yet.
 */
export interface CaState {
  state: 'Connected' | 'Unknown';
  sinceMs: number;
  reason: string | undefined;
}

export interface Trouble {
  /** `rotation`, or the name of a delivery. */
  readonly source: string;
  readonly code: ErrorCode;
  /** One line: what failed, why, what to do. */
  readonly line: string;
  readonly atMs: number;
  /** Undefined: it was overcome. */
  retryAtMs: number | undefined;
}

export interface DeliveryState {
  readonly name: string;
  /** What its readers have. */
  held: { readonly generation: number; readonly notAfterMs: number } | undefined;
  /** The line of the error that keeps the newest generation from them. */
  failing: string | undefined;
}

export interface AgentState {
  facts: AgentFacts;
  readonly startedAtMs: number;
  certificate: CertificateState | undefined;
  regenerations: number;
  readonly ca: CaState;
  lastError: Trouble | undefined;
  deliveries: readonly DeliveryState[];
  /** `held` is what a hook ran for, or a target was last found to serve. Neither makes an agent less ready. */
  hooks: readonly DeliveryState[];
  targets: readonly DeliveryState[];
  /** Streams of proxies that are open. */
  sdsStreams: number;
  /** By the monotonic clock: a suspended machine has a living loop. */
  lastTickMonotonicMs: number;
  /** When the credentials end that we log in with, by kind. */
  readonly credentials: Map<string, number>;
  /** The CA's clock minus ours. */
  clockSkewSeconds: number | undefined;
}

export function makeState(facts: AgentFacts, nowMs: number, monotonicMs: number): AgentState {
  return {
    facts,
    startedAtMs: nowMs,
    certificate: undefined,
    regenerations: 0,
    ca: { state: 'Unknown', sinceMs: nowMs, reason: 'not asked yet' },
    lastError: undefined,
    deliveries: renew([], facts.deliveries),
    hooks: renew([], facts.hooks),
    targets: renew([], facts.targets),
    sdsStreams: 0,
    lastTickMonotonicMs: monotonicMs,
    credentials: new Map(),
    clockSkewSeconds: undefined,
  };
}

/** What deliveries of the same name hold is known still; it is handed to them anew. */
export function reconfigureState(state: AgentState, facts: AgentFacts): void {
  state.facts = facts;
  state.deliveries = renew(state.deliveries, facts.deliveries);
  state.hooks = renew(state.hooks, facts.hooks);
  state.targets = renew(state.targets, facts.targets);
}

function renew(before: readonly DeliveryState[], names: readonly string[]): DeliveryState[] {
  return names.map((name) => before.find((one) => one.name === name) ?? { name, held: undefined, failing: undefined });
}

/** The certificate in service, or undefined: none yet, or it has expired and is served to nobody. */
export function findCertificateInService(state: AgentState, nowMs: number): CertificateState | undefined {
  return state.certificate !== undefined && state.certificate.notAfterMs > nowMs ? state.certificate : undefined;
}
