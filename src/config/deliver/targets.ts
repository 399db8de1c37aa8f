import type { Place } from '../place.ts';
import { convert, expected, fail, isAbsent } from '../schema.ts';

/** Shown nowhere but in names, which leave the query out; a password would have to be hidden for ever, so is refused. */
export const httpUrl = convert((input) => {
  const hint = 'write it like http://127.0.0.1:8080/reload';
  if (typeof input !== 'string') return fail(expected('a URL', input), hint);
  if (!/^https?:\/\//i.test(input) || !URL.canParse(input))
    return fail('expected http:// or https:// and a host', hint);
  const url = new URL(input);
  return url.username === '' && url.password === '' ? url : fail('expected a URL without user and password', hint);
});

/** Which one of these keys is there; reports none, and several. */
export function requireOneOf<const K extends string>(
  entry: Readonly<Record<string, unknown>>,
  kinds: readonly K[],
  place: Place,
): K | undefined {
  const given = kinds.filter((kind) => !isAbsent(entry[kind]));
  if (given.length === 1) return given[0];
  place.error(`expected exactly one of ${kinds.join(', ')}, got ${given.join(' and ') || 'none'}`);
  return undefined;
}
