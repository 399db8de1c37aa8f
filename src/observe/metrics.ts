/**
 * Counts what happens, for Prometheus.
 *
 * prom-client costs 18 ms and 5 MB, so it is loaded after the first certificate or at the first scrape; what happened
 * before is kept and told then.
 *
 * @module
 */
import type { Instruments, MetricsSources } from './instruments.ts';

/** Should be far more than happens before the first certificate; reached, prom-client is loaded at once. */
const MAX_KEPT_EVENTS = 1000;

export interface Metrics {
  rotated(backend: string, reason: string): void;
  rotationFailed(backend: string, reason: string): void;
  issueStepTook(backend: string, step: string, seconds: number): void;
  delivered(delivery: string, seconds: number): void;
  deliveryFailed(delivery: string): void;
  served(target: string, seconds: number): void;
  servedLate(target: string): void;
  sdsRejected(): void;
  /** Loads prom-client, once, and tells it what happened so far. */
  load(): Promise<void>;
  /** The Prometheus text format, version 0.0.4. */
  render(): Promise<string>;
}

export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export function openMetrics(sources: MetricsSources): Metrics {
  let kept: ((instruments: Instruments) => void)[] = [];
  let loading: Promise<Instruments> | undefined;
  let loaded: Instruments | undefined;

  function record(event: (instruments: Instruments) => void): void {
    if (loaded !== undefined) event(loaded);
    else kept.push(event);
    if (kept.length >= MAX_KEPT_EVENTS) {
      void load().catch(() => {
        kept = [];
      });
    }
  }

  function load(): Promise<Instruments> {
    loading ??= import('./instruments.ts').then(({ makeInstruments }) => {
      loaded = makeInstruments(sources.state);
      for (const event of kept.splice(0)) event(loaded);
      return loaded;
    });
    return loading;
  }

  return {
    rotated: (backend, reason) => record(({ rotations }) => rotations.inc({ backend, reason })),
    rotationFailed: (backend, reason) => record(({ rotationFailures }) => rotationFailures.inc({ backend, reason })),
    issueStepTook: (backend, step, seconds) => record(({ steps }) => steps.observe({ backend, step }, seconds)),
    delivered: (delivery, seconds) => record(({ deliveries }) => deliveries.observe({ delivery }, seconds)),
    deliveryFailed: (delivery) => record(({ deliveryFailures }) => deliveryFailures.inc({ delivery })),
    served: (target, seconds) => record((to) => to.servedDuration.observe({ target }, seconds)),
    servedLate: (target) => record(({ servedLate }) => servedLate.inc({ target })),
    sdsRejected: () => record(({ sdsRejections }) => sdsRejections.inc()),
    load: async () => void (await load()),
    async render() {
      const [instruments, { readGauges }] = await Promise.all([load(), import('./instruments.ts')]);
      readGauges(instruments, sources);
      return instruments.registry.metrics();
    },
  };
}
