import type { Log } from '../../log.ts';

export interface Lifetime {
  readonly askedSeconds: number;
  readonly gotSeconds: number;
}

/** Whose certificates these are. */
interface LifetimeSubject {
  readonly backend: string;
  /** `pki/roles/mesh` */
  readonly rolePath: string;
}

/** At least 2 s, as Vault cuts off parts of a second; else the smaller of one minute and a tenth. */
function toleranceSeconds(askedSeconds: number): number {
  return Math.max(2, Math.min(60, askedSeconds / 10));
}

/**
 * Vault shortens what exceeds the role's max_ttl without an error. That is told once for each pair of figures, so that
 * somebody who expects 30 days learns of 24 hours.
 */
export function openLifetimeWatch(log: Log, { backend, rolePath }: LifetimeSubject): (lifetime: Lifetime) => void {
  let told: Lifetime | undefined;
  return ({ askedSeconds, gotSeconds }) => {
    const tolerance = toleranceSeconds(askedSeconds);
    if (gotSeconds >= askedSeconds - tolerance) {
      told = undefined;
      return;
    }
    if (told?.askedSeconds === askedSeconds && Math.abs(told.gotSeconds - gotSeconds) <= tolerance) return;
    told = { askedSeconds, gotSeconds };
    log.warn('certificate is shorter-lived than asked', {
      backend,
      askedSeconds,
      gotSeconds: Math.round(gotSeconds),
      remedy: `lower dpCert.rotation.expiration, or raise the limit: vault patch ${rolePath} max_ttl=${askedSeconds}s`,
    });
  };
}
