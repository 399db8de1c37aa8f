import type { Log } from '../log.ts';

export interface Lifetime {
  readonly askedSeconds: number;
  readonly gotSeconds: number;
  /** What others of this workload are asked for. Default: `askedSeconds`. */
  readonly fullSeconds?: number | undefined;
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
 * CAs shorten what exceeds their limits without an error, and some give what they always give. That is told once for each
 * pair of figures, so that somebody who expects 30 days learns of 24 hours. What is too short to be of use is refused
 * elsewhere, for all CAs alike.
 */
export function openLifetimeWatch(log: Log, { backend, raise }: LifetimeSubject): (lifetime: Lifetime) => void {
  let told: Lifetime | undefined;
  return ({ askedSeconds, gotSeconds, fullSeconds = askedSeconds }) => {
    const tolerance = toleranceSeconds(askedSeconds);
    if (Math.abs(gotSeconds - askedSeconds) <= tolerance) {
      told = undefined;
      return;
    }
    const isShorter = gotSeconds < askedSeconds;
    const seen = { askedSeconds: fullSeconds, gotSeconds };
    if (told !== undefined && isAlike(told, seen, tolerance)) return;
    told = seen;
    log.warn(`certificate is ${isShorter ? 'shorter' : 'longer'}-lived than asked`, {
      backend,
      askedSeconds: Math.round(fullSeconds),
      gotSeconds: Math.round(gotSeconds),
      remedy: isShorter
        ? `lower dpCert.rotation.expiration, or raise the limit: ${raise(fullSeconds)}`
        : 'compare what the CA issues with dpCert.rotation.expiration, and the clock of this machine',
    });
  };
}

/** A moment that is asked for is a life of nearly the same length each time. */
function isAlike(told: Lifetime, seen: Lifetime, toleranceSeconds: number): boolean {
  return (
    Math.abs(told.askedSeconds - seen.askedSeconds) <= toleranceSeconds &&
    Math.abs(told.gotSeconds - seen.gotSeconds) <= toleranceSeconds
  );
}
