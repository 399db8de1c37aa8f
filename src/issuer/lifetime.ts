import type { Log } from '../log.ts';

export interface Lifetime {
  readonly askedSeconds: number;
  readonly gotSeconds: number;
}

/** Whose certificates these are. */
interface LifetimeSubject {
  readonly backend: string;
  /** What raises the CA's limit to so many seconds. */
  readonly raise: (seconds: number) => string;
}

/** At least 2 s, as CAs cut off parts of a second; else the smaller of one minute and a tenth. */
function toleranceSeconds(askedSeconds: number): number {
  return Math.max(2, Math.min(60, askedSeconds / 10));
}

/**
 * CAs shorten what exceeds their limits without an error. That is told once for each pair of figures, so that
 * somebody who expects 30 days learns of 24 hours.
 */
export function openLifetimeWatch(log: Log, { backend, raise }: LifetimeSubject): (lifetime: Lifetime) => void {
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
      remedy: `lower dpCert.rotation.expiration, or raise the limit: ${raise(askedSeconds)}`,
    });
  };
}
