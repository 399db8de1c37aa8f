/**
 * Every metric: name, help and labels. Described for users in docs/metrics.md. Loads prom-client, so is itself loaded
 * late.
 *
 * Only the text format is served: rendering OpenMetrics once makes prom-client 15 forget `_total` in the text format.
 *
 * @module
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { type AgentFacts, type AgentState, findCertificateInService } from './state.ts';

export type Instruments = ReturnType<typeof makeInstruments>;

/** All reasons that a rotation has, and those that a failed one has most: their counts are there, as 0, from the start. */
const ROTATION_REASONS = ['start', 'due', 'requested', 'signal', 'reconfigured', 'ca_changed', 'standby'];
const FAILURE_REASONS = [
  'source',
  'ca_unreachable',
  'ca_tls',
  'ca_unavailable',
  'ca_throttled',
  'login_denied',
  'ca_denied',
  'ca_refused',
  'ca_protocol',
];

/** What this process uses, as the operating system tells. */
export interface ProcessUsage {
  readonly cpuSeconds: number;
  readonly residentBytes: number;
}

export interface MetricsSources {
  readonly state: AgentState;
  readonly nowMs: () => number;
  readonly readUsage: () => ProcessUsage;
}

export function makeInstruments({ facts, startedAtMs }: AgentState) {
  const registry = new Registry();
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: L[]) =>
    new Counter({ name: `meshcert_${name}`, help, labelNames, registers });
  const gauge = <L extends string = never>(name: string, help: string, labelNames: L[] = []) =>
    new Gauge({ name: `meshcert_${name}`, help, labelNames, registers });
  const histogram = <L extends string>(name: string, help: string, labelNames: L[], buckets: number[]) =>
    new Histogram({ name: `meshcert_${name}`, help, labelNames, buckets, registers });
  const processGauge = (name: string, help: string) => new Gauge({ name: `process_${name}`, help, registers });

  const instruments = {
    registry,
    notBefore: gauge(
      'certificate_not_before_timestamp_seconds',
      'Start of validity of the certificate in service, Unix time; 0: there is none.',
    ),
    notAfter: gauge(
      'certificate_not_after_timestamp_seconds',
      'End of validity of the certificate in service, Unix time; 0: there is none.',
    ),
    rotationDue: gauge(
      'certificate_rotation_due_timestamp_seconds',
      'When the certificate in service is to be replaced, Unix time; 0: there is none.',
    ),
    rotations: counter('rotations_total', 'Certificates issued, by what caused them.', ['backend', 'reason']),
    rotationFailures: counter('rotation_failures_total', 'Attempts to get a certificate that failed, by why.', [
      'backend',
      'reason',
    ]),
    steps: histogram(
      'issue_duration_seconds',
      'Duration of the steps of an issue that succeeded (login, sign).',
      ['backend', 'step'],
      [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    ),
    caConnected: gauge(
      'ca_connected',
      '1: the CA signed, or could have, when it was last asked; 0: it could not, or was not asked yet.',
      ['backend'],
    ),
    deliveredGeneration: gauge('delivered_generation', 'Generation that the readers of a delivery have; 0: none.', [
      'delivery',
    ]),
    deliveryFailures: counter('delivery_failures_total', 'Attempts to hand a generation over that failed.', [
      'delivery',
    ]),
    deliveries: histogram(
      'delivery_duration_seconds',
      'Duration of handing a generation over, of attempts that succeeded.',
      ['delivery'],
      [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    ),
    servedGeneration: gauge('served_generation', 'Generation that a target was last found to serve; 0: none.', [
      'target',
    ]),
    servedDuration: histogram(
      'served_duration_seconds',
      'From the delivery of a generation until a target was found to serve it.',
      ['target'],
      [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    ),
    servedLate: counter('served_late_total', 'Generations that a target did not serve within its limit.', ['target']),
    sdsStreams: gauge('sds_streams', 'Streams of Envoys that are open.'),
    sdsRejections: counter('sds_rejections_total', 'Secrets that an Envoy could not use.', []),
    trustBundle: gauge('trust_bundle_certificates', 'CA certificates that peers are verified against.'),
    credentialExpiry: gauge(
      'credential_expiry_timestamp_seconds',
      'End of the credential that the agent logs in to the CA with, Unix time.',
      ['kind'],
    ),
    clockSkew: gauge('clock_skew_seconds', "The CA's clock minus ours."),
    workload: gauge('workload_info', 'Always 1; says for whom this agent works.', ['mesh', 'spiffe_id']),
    cpu: new Counter({ name: 'process_cpu_seconds_total', help: 'CPU time used, user and system.', registers }),
    resident: processGauge('resident_memory_bytes', 'Resident memory.'),
  };
  gauge('build_info', 'Always 1; says what runs.', ['version', 'node']).set(
    { version: facts.version, node: facts.nodeVersion },
    1,
  );
  processGauge('start_time_seconds', 'Start of the process, Unix time.').set(startedAtMs / 1000);
  showZeros(instruments, facts);
  return instruments;
}

/** A count that appears with its first event cannot be seen to rise. */
function showZeros(instruments: Instruments, facts: AgentFacts): void {
  const { rotations, rotationFailures, deliveries, deliveryFailures } = instruments;
  const { backend } = facts;
  if (backend !== undefined) {
    for (const reason of ROTATION_REASONS) rotations.inc({ backend, reason }, 0);
    for (const reason of FAILURE_REASONS) rotationFailures.inc({ backend, reason }, 0);
  }
  for (const delivery of [...facts.deliveries, ...facts.hooks]) {
    deliveries.zero({ delivery });
    deliveryFailures.inc({ delivery }, 0);
  }
  for (const target of facts.targets) {
    instruments.servedDuration.zero({ target });
    instruments.servedLate.inc({ target }, 0);
  }
}

/** Gauges show what is, so they are read from the agent's state at each scrape. */
export function readGauges(instruments: Instruments, { state, nowMs, readUsage }: MetricsSources): void {
  const certificate = findCertificateInService(state, nowMs());
  const isOn = state.facts.backend !== undefined;
  const orNone = (ms: number | undefined) => (isOn ? (ms ?? 0) / 1000 : undefined);
  show(instruments.notBefore, orNone(certificate?.notBeforeMs));
  show(instruments.notAfter, orNone(certificate?.notAfterMs));
  show(instruments.rotationDue, orNone(certificate?.rotatesAtMs));
  show(instruments.clockSkew, state.clockSkewSeconds);
  forgetLabels(instruments);
  instruments.sdsStreams.set(state.sdsStreams);
  instruments.trustBundle.set(state.certificate?.trustBundleCertificates ?? 0);
  const { mesh, spiffeId, backend } = state.facts;
  instruments.workload.set({ mesh, spiffe_id: spiffeId }, 1);
  if (backend !== undefined) instruments.caConnected.set({ backend }, state.ca.state === 'Connected' ? 1 : 0);
  for (const { name, held } of [...state.deliveries, ...state.hooks]) {
    instruments.deliveredGeneration.set({ delivery: name }, held?.generation ?? 0);
  }
  for (const { name, held } of state.targets) {
    instruments.servedGeneration.set({ target: name }, held?.generation ?? 0);
  }
  for (const [kind, atMs] of state.credentials) instruments.credentialExpiry.set({ kind }, atMs / 1000);
  const usage = readUsage();
  instruments.cpu.reset();
  instruments.cpu.inc(usage.cpuSeconds);
  instruments.resident.set(usage.residentBytes);
}

/** What the configuration no longer names must not raise an alert for ever. */
function forgetLabels(instruments: Instruments): void {
  const { workload, caConnected, deliveredGeneration, servedGeneration, credentialExpiry } = instruments;
  for (const labelled of [workload, caConnected, deliveredGeneration, servedGeneration, credentialExpiry]) {
    labelled.reset();
  }
}

/** Without a value there is no sample, rather than a 0 that would be taken for one. */
function show(gauge: Gauge<never>, value: number | undefined): void {
  if (value === undefined) gauge.remove();
  else gauge.set(value);
}
