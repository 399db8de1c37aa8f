/** The largest share of a lifetime by which a rotation may come after 4/5 of it. */
const MAX_JITTER_RATIO = 0.02;

const ROTATION_RATIO = 4 / 5;

/** Rotations of shorter lives are so many that no CA that bears them minds how they lie. */
const LEAST_SPREAD_SECONDS = 3_600;
/** The least share of its life that a certificate keeps: what there is to bear an outage of the CA shrinks as much. */
const LEAST_SPREAD_RATIO = 1 / 3;

/** The two moments that the schedule needs; both by our clock or the certificate's, never `notBefore`. */
export interface Lifetime {
  readonly issuedAt: Date;
  readonly notAfter: Date;
}

/**
 * When to replace a certificate: after 4/5 of its life and a jitter of at most `jitterRatio` of it, never before 4/5.
 *
 * The life is counted from issuance. CAs back-date `notBefore` (Vault by 30 s, AWS by an hour), so 4/5 from there would
 * come early, and for short lives before issuance.
 *
 * @param jitterUnit from 0 to 1; drawn once per certificate, so that asking twice gives the same moment.
 * @returns milliseconds since 1970.
 */
export function computeRotationDueMs(life: Lifetime, jitterRatio: number, jitterUnit: number): number {
  const lifetimeMs = life.notAfter.getTime() - life.issuedAt.getTime();
  const boundedRatio = Math.min(Math.max(jitterRatio, 0), MAX_JITTER_RATIO);
  return life.issuedAt.getTime() + lifetimeMs * (ROTATION_RATIO + boundedRatio * jitterUnit);
}

/**
 * The life to ask for where all agents of a mesh ask at once: when they start together, and when the mesh or its CA
 * changes. It lies between a third of it and all of it, so that they do not rotate together for ever after: jitter alone
 * would take more than a thousand rotations to part them.
 *
 * @param unit from 0 to 1; 1: all of it.
 */
export function spreadTtlSeconds(ttlSeconds: number, unit: number): number {
  if (ttlSeconds < LEAST_SPREAD_SECONDS) return ttlSeconds;
  return Math.round(ttlSeconds * (LEAST_SPREAD_RATIO + (1 - LEAST_SPREAD_RATIO) * unit));
}
