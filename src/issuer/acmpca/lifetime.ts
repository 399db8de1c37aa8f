import { AgentError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { ChosenEnd } from './validity.ts';

/** AWS cuts off parts of a second. */
const TOLERANCE_MS = 2_000;
/** A life below that cannot be handed over and replaced in time; the smaller of it and half of what was asked counts. */
const LEAST_LIFE_MS = 60_000;

export interface LifetimeWatch {
  /** Tells, once, what kept the end that is asked for from being later. */
  capped(cappedBy: ChosenEnd['cappedBy'], endSeconds: number): void;
  /**
   * Tells of an end that is not the one which was asked for: the certificate counts.
   *
   * @throws AgentError `ERR_BAD_CERTIFICATE` when so little is left that it is of no use.
   */
  check(life: { readonly endMs: number; readonly askedEndMs: number; readonly nowMs: number }): void;
}

export function openLifetimeWatch(log: Log, backend: string): LifetimeWatch {
  const told = new Set<string>();
  const warnOnce = (event: string, fields: Readonly<Record<string, string | number>>) => {
    if (!told.has(event)) log.warn(event, { backend, ...fields });
    told.add(event);
  };
  return {
    capped(cappedBy, endSeconds) {
      if (cappedBy === 'ca') {
        warnOnce('certificates end with their CA', {
          endsAt: new Date(endSeconds * 1000).toISOString(),
          remedy: 'renew the CA, and give a new root to all peers before',
        });
      }
      if (cappedBy === 'mode') {
        warnOnce('certificates live for 7 days at most, as the CA is one for short-lived certificates', {
          remedy: 'lower dpCert.rotation.expiration to less than 7d',
        });
      }
    },
    check({ endMs, askedEndMs, nowMs }) {
      const leftMs = endMs - nowMs;
      if (leftMs < Math.min(LEAST_LIFE_MS, (askedEndMs - nowMs) / 2)) {
        const left = `${Math.max(0, Math.round(leftMs / 1000))} s`;
        throw new AgentError('ERR_BAD_CERTIFICATE', `the CA's answer was refused: the certificate lives for ${left}`, {
          detail: 'validity',
          remedy: 'compare what the CA issues with dpCert.rotation.expiration, and the clock of this machine',
        });
      }
      if (Math.abs(endMs - askedEndMs) <= TOLERANCE_MS) return;
      warnOnce(
        endMs < askedEndMs ? 'certificate is shorter-lived than asked' : 'certificate is longer-lived than asked',
        {
          askedSeconds: Math.round((askedEndMs - nowMs) / 1000),
          gotSeconds: Math.round(leftMs / 1000),
          remedy: 'compare the template and the policy of the CA with dpCert.rotation.expiration',
        },
      );
    },
  };
}
