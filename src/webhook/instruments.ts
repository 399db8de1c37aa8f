import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { AdmissionOutcome } from './admission.ts';

export type WebhookInstruments = ReturnType<typeof makeInstruments>;

const OUTCOMES: readonly AdmissionOutcome[] = ['injected', 'unchanged', 'refused', 'failed', 'malformed'];

/** Every metric of the webhook, described for users in docs/kubernetes.md. */
export function makeInstruments(facts: { readonly version: string; readonly nodeVersion: string }) {
  const registry = new Registry();
  const registers = [registry];
  const gauge = (name: string, help: string) => new Gauge({ name: `meshcert_webhook_${name}`, help, registers });
  const admissions = new Counter({
    name: 'meshcert_webhook_admissions_total',
    help: 'Reviews that were answered, by what came of them.',
    labelNames: ['outcome'],
    registers,
  });
  // A count that appears with its first event cannot be seen to rise.
  for (const outcome of OUTCOMES) admissions.inc({ outcome }, 0);
  const info = new Gauge({
    name: 'meshcert_build_info',
    help: 'Always 1; says what runs.',
    labelNames: ['version', 'node'],
    registers,
  });
  info.set({ version: facts.version, node: facts.nodeVersion }, 1);
  return {
    registry,
    admissions,
    duration: new Histogram({
      name: 'meshcert_webhook_admission_duration_seconds',
      help: 'Duration of answering a review.',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    }),
    notBefore: gauge(
      'certificate_not_before_timestamp_seconds',
      'Start of validity of the serving certificate, Unix time; 0: there is none.',
    ),
    notAfter: gauge(
      'certificate_not_after_timestamp_seconds',
      'End of validity of the serving certificate, Unix time; 0: there is none.',
    ),
    published: gauge('ca_bundle_current', '1: the API server was told the CAs that are in use; 0: it could not be.'),
  };
}
