import { checkReady } from './health.ts';
import { type AgentState, type DeliveryState, findCertificateInService } from './state.ts';

/** The state of an agent as people and scripts read it. Moments are ISO 8601, UTC; what does not exist is left out. */
export interface Status {
  readonly mesh: string;
  /** The pod's name or the service. */
  readonly name: string;
  readonly spiffeId: string;
  /** The backend in use; missing: mTLS is off. */
  readonly backend?: string;
  readonly supportedBackends: readonly string[];
  readonly ready: boolean;
  /** Why it is not ready. */
  readonly notReady: readonly string[];
  /** The certificate in service. */
  readonly certificate?: {
    readonly generation: number;
    readonly backend: string;
    /** Upper-case hexadecimal. */
    readonly serialNumber: string;
    readonly notBefore: string;
    readonly notAfter: string;
    readonly issuedAt: string;
    readonly rotatesAt: string;
    readonly trustBundleCertificates: number;
  };
  /** Certificates issued since this process started. */
  readonly regenerations: number;
  readonly lastRegeneration?: string;
  readonly ca: { readonly state: 'Connected' | 'Unknown'; readonly since: string; readonly reason?: string };
  readonly lastError?: {
    readonly code: string;
    readonly line: string;
    readonly at: string;
    /** Missing: it was overcome. */
    readonly retryAt?: string;
  };
  readonly deliveries: readonly {
    readonly name: string;
    /** What its readers have; 0: nothing. */
    readonly generation: number;
    /** Why they do not have the newest. */
    readonly failing?: string;
  }[];
  /** Hooks, by the generation that they last ran for. Missing: there are none. */
  readonly hooks?: Status['deliveries'];
  /** What was delivered is served by these, as far as was seen. Missing: nobody looks. */
  readonly served?: Status['deliveries'];
  /** When the credentials end that the agent logs in with. */
  readonly credentials: readonly { readonly kind: string; readonly expiresAt: string }[];
  /** The CA's clock minus ours. */
  readonly clockSkewSeconds?: number;
  readonly agent: { readonly version: string; readonly pid: number; readonly startedAt: string };
}

export function describeStatus(state: AgentState, nowMs: number): Status {
  const { facts, ca, lastError } = state;
  const ready = checkReady(state, nowMs);
  const certificate = findCertificateInService(state, nowMs);
  return {
    mesh: facts.mesh,
    name: facts.name,
    spiffeId: facts.spiffeId,
    ...optional('backend', facts.backend),
    supportedBackends: facts.supportedBackends,
    ready: ready.ok,
    notReady: ready.checks.filter(({ ok }) => !ok).map(({ line }) => line),
    ...optional(
      'certificate',
      certificate && {
        generation: certificate.generation,
        backend: certificate.backend,
        serialNumber: certificate.serialNumber,
        notBefore: isoOf(certificate.notBeforeMs),
        notAfter: isoOf(certificate.notAfterMs),
        issuedAt: isoOf(certificate.issuedAtMs),
        rotatesAt: isoOf(certificate.rotatesAtMs),
        trustBundleCertificates: certificate.trustBundleCertificates,
      },
    ),
    regenerations: state.regenerations,
    ...optional('lastRegeneration', state.certificate && isoOf(state.certificate.issuedAtMs)),
    ca: { state: ca.state, since: isoOf(ca.sinceMs), ...optional('reason', ca.reason) },
    ...optional(
      'lastError',
      lastError && {
        code: lastError.code,
        line: lastError.line,
        at: isoOf(lastError.atMs),
        ...optional('retryAt', lastError.retryAtMs === undefined ? undefined : isoOf(lastError.retryAtMs)),
      },
    ),
    deliveries: state.deliveries.map(describeDelivery),
    ...optional('hooks', state.hooks.length > 0 ? state.hooks.map(describeDelivery) : undefined),
    ...optional('served', state.targets.length > 0 ? state.targets.map(describeDelivery) : undefined),
    credentials: Array.from(state.credentials, ([kind, atMs]) => ({ kind, expiresAt: isoOf(atMs) })),
    ...optional('clockSkewSeconds', state.clockSkewSeconds),
    agent: { version: facts.version, pid: facts.pid, startedAt: isoOf(state.startedAtMs) },
  };
}

function describeDelivery({ name, held, failing }: DeliveryState): Status['deliveries'][number] {
  return { name, generation: held?.generation ?? 0, ...optional('failing', failing) };
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}

function optional<K extends string, V>(key: K, value: V | undefined): { [Key in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [Key in K]?: V });
}
