/**
 * Every metric of the signer: name, help and labels. Described for users in docs/signer.md.
 *
 * @module
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { DENIALS } from './judge.ts';

/** @param backends those whose counts are there, as 0, from the start. */
export function makeInstruments(backends: readonly string[], version: string, node: string) {
  const registry = new Registry();
  const registers = [registry];
  const name = (rest: string) => `meshcert_signer_${rest}`;
  const instruments = {
    registry,
    signed: new Counter({
      name: name('signed_total'),
      help: 'Certificates signed.',
      labelNames: ['backend'] as const,
      registers,
    }),
    denied: new Counter({
      name: name('denied_total'),
      help: 'Requests denied, by why.',
      labelNames: ['reason'] as const,
      registers,
    }),
    failures: new Counter({
      name: name('failures_total'),
      help: 'Attempts to answer a request, or to publish the trust bundle, that failed and are made again.',
      labelNames: ['reason'] as const,
      registers,
    }),
    duration: new Histogram({
      name: name('answer_duration_seconds'),
      help: 'Duration of answers, from the judgement until the API server has it.',
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    }),
    waiting: new Gauge({ name: name('waiting_requests'), help: 'Requests without an answer.', registers }),
    leader: new Gauge({ name: name('leader'), help: '1: this process signs; 0: it stands by.', registers }),
    caNotAfter: new Gauge({
      name: name('ca_not_after_timestamp_seconds'),
      help: 'End of the CA of a backend, or of the first CA above it that ends, Unix time.',
      labelNames: ['backend'] as const,
      registers,
    }),
    caUsable: new Gauge({
      name: name('ca_usable'),
      help: '1: the CA of a backend could be read and used when it was last looked at.',
      labelNames: ['backend'] as const,
      registers,
    }),
  };
  for (const backend of backends) instruments.signed.inc({ backend }, 0);
  for (const reason of DENIALS) instruments.denied.inc({ reason }, 0);
  instruments.leader.set(0);
  const labelNames = ['version', 'node'] as const;
  new Gauge({ name: 'meshcert_build_info', help: 'Always 1; says what runs.', labelNames, registers }).set(
    { version, node },
    1,
  );
  return instruments;
}
