import type { Clock } from '../clock.ts';
import type { AgentError } from '../errors.ts';
import type { AuthoritiesObserver } from './authorities.ts';
import { makeInstruments } from './instruments.ts';
import type { LeadObserver } from './lead.ts';
import type { ServeObserver } from './serve-requests.ts';

/** A replica that has not asked for the lease for so long hangs. */
const DEAD_AFTER_MS = 180_000;

interface Health {
  readonly ok: boolean;
  readonly checks: readonly { readonly ok: boolean; readonly line: string }[];
  readonly notes: readonly string[];
}

/** What a signer shows: it listens to all parts, and answers probes and Prometheus. */
export interface SignerObservation {
  readonly lead: LeadObserver;
  readonly authorities: AuthoritiesObserver;
  readonly requests: ServeObserver;
  publishFailed(error: AgentError): void;
  /** Ready: it leads, has published the bundle, and can sign with every CA; or stands by. */
  ready(): Health;
  /** Alive: it asks for the lease. An API server that is away makes no signer dead. */
  alive(): Health;
  /** @param canSign whether every CA can be used. */
  published(canSign: boolean): void;
  readonly metrics: { render(): Promise<string> };
}

export function openSignerObservation(
  { backends, version, nodeVersion }: { backends: readonly string[]; version: string; nodeVersion: string },
  clock: Clock,
): SignerObservation {
  const instruments = makeInstruments(backends, version, nodeVersion);
  let isLeader = false;
  let isPublished = false;
  let trouble: string | undefined;
  let lookedAtMs = clock.monotonicMs();
  const count = (error: AgentError) => {
    trouble = error.line;
    instruments.failures.inc({ reason: error.reason });
  };
  return {
    lead: {
      looks() {
        lookedAtMs = clock.monotonicMs();
      },
      leads(leads) {
        isLeader = leads;
        isPublished = false;
        trouble = undefined;
        instruments.leader.set(leads ? 1 : 0);
        if (leads) return;
        // Who stands by does not look.
        instruments.waiting.set(0);
        instruments.caNotAfter.reset();
        instruments.caUsable.reset();
      },
    },
    authorities: {
      caRead(backend, notAfterMs) {
        instruments.caNotAfter.set({ backend }, notAfterMs / 1000);
        instruments.caUsable.set({ backend }, 1);
      },
      caFailed(backend, error) {
        instruments.caUsable.set({ backend }, 0);
        count(error);
      },
      caGone(backend) {
        instruments.caNotAfter.remove({ backend });
        instruments.caUsable.remove({ backend });
      },
    },
    requests: {
      answered(_, outcome, seconds) {
        if (outcome.kind === 'signed') instruments.signed.inc({ backend: outcome.backend });
        else instruments.denied.inc({ reason: outcome.reason });
        instruments.duration.observe(seconds);
      },
      notAnswered: count,
      waiting: (requests) => instruments.waiting.set(requests),
    },
    publishFailed: count,
    published(canSign) {
      isPublished = canSign;
    },
    ready() {
      if (!isLeader) return report(true, 'stands by');
      if (isPublished) return report(true, 'leads, and the trust bundle is published');
      return report(false, `leads, and cannot sign yet${trouble ? `: ${trouble}` : ''}`);
    },
    alive() {
      const quietMs = clock.monotonicMs() - lookedAtMs;
      return report(quietMs < DEAD_AFTER_MS, `lease: last asked for ${Math.round(quietMs / 1000)} s ago`);
    },
    metrics: { render: () => instruments.registry.metrics() },
  };
}

function report(ok: boolean, line: string): Health {
  return { ok, checks: [{ ok, line }], notes: [] };
}
