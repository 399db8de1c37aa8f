import type { KeyType } from '../identity/key-pair.ts';
import type { SpiffeId } from '../identity/spiffe-id.ts';
import type { Issuer } from '../issuer/issuer.ts';
import { spreadTtlSeconds } from './schedule.ts';

/** Why a certificate is asked for; a bounded label. */
export type RotationReason = 'start' | 'due' | 'requested' | 'signal' | 'reconfigured' | 'ca_changed' | 'standby';

/** One CA that may be asked. */
export interface Candidate {
  readonly backend: string;
  readonly ttlSeconds: number;
  /** Its issuer, loaded when it is first asked. */
  readonly open: () => Promise<Issuer>;
}

/** What to keep fresh, and by whom. Replaced as a whole when the configuration changes. */
export interface RotationPlan {
  readonly spiffeId: SpiffeId;
  /** Undefined: EC P-256, unless the CA demands another. */
  readonly keyType: KeyType | undefined;
  /** At most 0.02. */
  readonly jitterRatio: number;
  /** Whether a certificate that all agents ask for at once may live for less than the others. */
  readonly spreads: boolean;
  /** The CA that the mesh enables, then the standbys. Empty: mTLS is off, nothing is issued. */
  readonly candidates: readonly Candidate[];
  /** The share of the life left after a rotation was due that must be gone before a standby is asked. */
  readonly standbyRatio: number;
}

/** What all agents of a mesh do at the same time. */
const TOGETHER: readonly RotationReason[] = ['start', 'reconfigured', 'ca_changed'];

/**
 * The life to ask for.
 *
 * @param ttlSeconds of the candidate.
 * @param unit from 0 to 1, drawn once for each certificate.
 */
export function chooseTtlSeconds(
  { spreads }: RotationPlan,
  ttlSeconds: number,
  reason: RotationReason,
  unit: number,
): number {
  return spreads && TOGETHER.includes(reason) ? spreadTtlSeconds(ttlSeconds, unit) : ttlSeconds;
}
