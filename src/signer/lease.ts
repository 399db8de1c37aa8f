import type { KubernetesObject } from '../kubernetes/objects.ts';

/** A Lease of `coordination.k8s.io/v1`, as leader elections use it. */
export interface Lease extends KubernetesObject {
  readonly spec?: LeaseSpec;
}

export interface LeaseSpec {
  /** Empty: given back. */
  readonly holderIdentity?: string | null;
  readonly leaseDurationSeconds?: number | null;
  readonly leaseTransitions?: number | null;
  readonly acquireTime?: string | null;
  readonly renewTime?: string | null;
}

/** What was seen of a lease, and since when it has not changed, by our monotonic clock. */
export interface SeenLease {
  readonly version: string;
  readonly sinceMs: number;
}

/**
 * Whether `identity` may hold the lease now. Times in the lease are of other machines' clocks, so they are not looked at:
 * it has ended when it was seen unchanged for as long as it lasts.
 */
export function mayHold({ spec = {} }: Lease, identity: string, seen: SeenLease, monotonicMs: number): boolean {
  const { holderIdentity, leaseDurationSeconds } = spec;
  if (!holderIdentity || holderIdentity === identity) return true;
  return monotonicMs - seen.sinceMs > (leaseDurationSeconds ?? 0) * 1000;
}

/** The lease as `identity` holds it, taken or renewed now. */
export function holdBy({ spec = {} }: Lease, identity: string, durationSeconds: number, nowMs: number): LeaseSpec {
  const isRenewed = spec.holderIdentity === identity;
  const now = toMicroTime(nowMs);
  return {
    holderIdentity: identity,
    leaseDurationSeconds: durationSeconds,
    acquireTime: isRenewed ? (spec.acquireTime ?? now) : now,
    renewTime: now,
    leaseTransitions: (spec.leaseTransitions ?? 0) + (isRenewed ? 0 : 1),
  };
}

/** Kubernetes takes times of leases with six digits only. */
function toMicroTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}
