import type { CaDescription } from './private-ca.ts';

/** What a CA for short-lived certificates issues at most (AWS Private CA User Guide, "CA modes"). */
const SHORT_LIVED_SECONDS = 7 * 24 * 60 * 60;
/** Our clock may be ahead of AWS's by so much, and a second too much is refused. */
const CLOCK_MARGIN_SECONDS = 60;

export interface ChosenEnd {
  /** Seconds since 1970: for a validity of the type ABSOLUTE, the only one that knows hours. */
  readonly endSeconds: number;
  /** What kept it from being as long as was asked. */
  readonly cappedBy: 'ca' | 'mode' | undefined;
}

/** The end to ask for: AWS refuses one that lies after that of the CA. */
export function chooseEnd(
  ttlSeconds: number,
  { notAfterMs, isShortLived }: Pick<CaDescription, 'notAfterMs' | 'isShortLived'>,
  nowMs: number,
): ChosenEnd {
  const nowSeconds = Math.floor(nowMs / 1000);
  const asked = nowSeconds + ttlSeconds;
  const byMode = isShortLived ? nowSeconds + SHORT_LIVED_SECONDS - CLOCK_MARGIN_SECONDS : Number.POSITIVE_INFINITY;
  const byCa = notAfterMs === undefined ? Number.POSITIVE_INFINITY : Math.floor(notAfterMs / 1000);
  const endSeconds = Math.min(asked, byMode, byCa);
  if (endSeconds === asked) return { endSeconds, cappedBy: undefined };
  return { endSeconds, cappedBy: endSeconds === byCa ? 'ca' : 'mode' };
}
