import type { RetryClass } from '../errors.ts';

/** First and longest ceiling of the wait, by retry class. What passes by itself is asked often, what needs a person rarely. */
const CEILINGS_MS: Readonly<Record<RetryClass, { first: number; longest: number }>> = {
  soon: { first: 500, longest: 60_000 },
  slowly: { first: 5_000, longest: 300_000 },
  never: { first: 300_000, longest: 300_000 },
};

/** While no identity is in service the workload stands still: whatever was mended is to be noticed sooner. */
const LONGEST_WITHOUT_IDENTITY_MS: Readonly<Record<RetryClass, number>> = {
  soon: 30_000,
  slowly: 60_000,
  never: 300_000,
};

const SHORTEST_MS = 100;
/** The wait never takes more than this share of the life that is left, so that several tries always fit into it. */
const SHARE_OF_REMAINING_LIFE = 1 / 8;

export interface FailedAttempt {
  readonly retry: RetryClass;
  /** 0 for the first failure in a row. */
  readonly failuresBefore: number;
  /** Life left of the identity in service, in milliseconds; undefined when there is none. */
  readonly remainingLifeMs: number | undefined;
  /** What the CA asked for (Retry-After), in milliseconds. */
  readonly retryAfterMs: number | undefined;
}

/**
 * How long to wait after a failed attempt, in milliseconds: exponential with full jitter, so that a fleet that failed
 * together does not come back together.
 *
 * @param unit from 0 to 1, random.
 */
export function computeRetryDelayMs(attempt: FailedAttempt, unit: number): number {
  const { first, longest: longestAtAll } = CEILINGS_MS[attempt.retry];
  const hasIdentity = attempt.remainingLifeMs !== undefined && attempt.remainingLifeMs > 0;
  const longest = hasIdentity ? longestAtAll : LONGEST_WITHOUT_IDENTITY_MS[attempt.retry];
  const grown = Math.min(longest, first * 2 ** Math.min(attempt.failuresBefore, 30));
  const ceiling = Math.min(grown, lifeShare(attempt.remainingLifeMs, SHARE_OF_REMAINING_LIFE));
  const asked = Math.min(attempt.retryAfterMs ?? 0, lifeShare(attempt.remainingLifeMs, 1 / 2), longest);
  return Math.max(SHORTEST_MS, asked, ceiling * unit);
}

function lifeShare(remainingLifeMs: number | undefined, share: number): number {
  return remainingLifeMs === undefined || remainingLifeMs <= 0 ? Number.POSITIVE_INFINITY : remainingLifeMs * share;
}
