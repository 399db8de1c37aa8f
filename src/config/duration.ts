import { AgentError } from '../errors.ts';

/** From large to small: a duration names each unit at most once, in this order. A year has 365 days, as in Kuma. */
const UNITS_MS = [
  ['y', 31_536_000_000],
  ['w', 604_800_000],
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const;

/** The latest end of an X.509 certificate is the year 9999; nothing here lives longer than a tenth of that. */
const MAX_YEARS = 800;

/**
 * A duration as in Kuma's documents (`1d`, `24h`, `1h30m`, `10y`), in milliseconds, more than zero. Units: y, w, d, h,
 * m, s, ms.
 *
 * @throws AgentError `ERR_CONFIG` that says what is wrong with it.
 */
export function parseDurationMs(text: string): number {
  const refuse = (why: string) => new AgentError('ERR_CONFIG', `${JSON.stringify(text.slice(0, 40))} ${why}`);
  if (/^\d+(\.\d+)?$/.test(text)) throw refuse('has no unit');
  const part = /(\d+(?:\.\d+)?)(ms|[ywdhms])/y;
  let totalMs = 0;
  let largestLeft = 0;
  for (let end = 0; end < text.length; end = part.lastIndex) {
    const [, count, unit] = part.exec(text) ?? [];
    const at = UNITS_MS.findIndex(([name]) => name === unit);
    if (at < 0) throw refuse('is not a duration');
    if (at < largestLeft) throw refuse('does not have its units from large to small, each once');
    largestLeft = at + 1;
    totalMs += Number(count) * (UNITS_MS[at]?.[1] ?? 0);
  }
  if (totalMs <= 0) throw refuse('is not more than zero');
  if (totalMs > MAX_YEARS * UNITS_MS[0][1]) throw refuse(`is longer than ${MAX_YEARS} years`);
  return Math.round(totalMs);
}
