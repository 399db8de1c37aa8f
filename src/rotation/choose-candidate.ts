/** The identity in service, as the choice needs it; moments in milliseconds since 1970. */
export interface LifeInService {
  readonly dueAtMs: number;
  readonly notAfterMs: number;
}

export interface Failures {
  /** Failures in a row so far. */
  readonly failuresBefore: number;
  /** Those of them that began in the standbys' turn. */
  readonly failuresOnStandby: number;
}

export interface Choice {
  /** Of the candidate. */
  readonly index: number;
  /** Whether the time of the first candidate alone is over. */
  readonly isStandbyTurn: boolean;
  /** When to give this attempt up, in milliseconds since 1970, as others are to have time, too. */
  readonly untilMs: number;
}

/** Also a CA that hangs leaves the others this much of a chance. */
const SHARE_OF_REMAINING_LIFE = 1 / 2;

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
 * @param life undefined: there is no identity in service.
 */
export function chooseCandidate(
  count: number,
  { failuresBefore, failuresOnStandby }: Failures,
  life: LifeInService | undefined,
  standbyRatio: number,
  nowMs: number,
): Choice {
  const forEver = Number.POSITIVE_INFINITY;
  if (count === 1) return { index: 0, isStandbyTurn: false, untilMs: forEver };
  if (life === undefined || life.notAfterMs <= nowMs) {
    return { index: failuresBefore % count, isStandbyTurn: false, untilMs: forEver };
  }
  const standbyAtMs = computeStandbyAtMs(life, standbyRatio);
  if (nowMs < standbyAtMs) return { index: 0, isStandbyTurn: false, untilMs: standbyAtMs };
  const untilMs = nowMs + (life.notAfterMs - nowMs) * SHARE_OF_REMAINING_LIFE;
  return { index: (failuresOnStandby + 1) % count, isStandbyTurn: true, untilMs };
}
