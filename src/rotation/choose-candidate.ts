/** The identity in service, as the choice needs it; moments in milliseconds since 1970. */
export interface LifeInService {
  readonly dueAtMs: number;
  readonly notAfterMs: number;
}

/**
 * When standby CAs may be asked: once this share of the life that is left after the rotation was due is gone.
 *
 * @returns milliseconds since 1970.
 */
export function computeStandbyAtMs({ dueAtMs, notAfterMs }: LifeInService, standbyRatio: number): number {
  return dueAtMs + Math.max(0, notAfterMs - dueAtMs) * standbyRatio;
}

/**
 * Which CA to ask: the first, the one that the mesh enables, as long as there is time for it; then the standbys in turn,
 * and it again. Without an identity in service there is no time: the standbys' turn comes with the first failure.
 *
 * @param count of candidates, at least 1.
 * @param failuresBefore failures in a row so far.
 * @param failuresOnStandby those of them since the standbys' turn began.
 * @returns index of the candidate.
 */
export function chooseCandidate(
  count: number,
  failures: { readonly failuresBefore: number; readonly failuresOnStandby: number },
  life: LifeInService | undefined,
  standbyRatio: number,
  nowMs: number,
): number {
  if (life === undefined || life.notAfterMs <= nowMs) return failures.failuresBefore % count;
  if (nowMs < computeStandbyAtMs(life, standbyRatio)) return 0;
  return (failures.failuresOnStandby + 1) % count;
}
