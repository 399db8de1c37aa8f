import * as v from 'valibot';
import type { Place } from './place.ts';
import type { Path } from './problem.ts';
import { type Entries, expected, explainUnknownKey, isAboutHiddenKey, isMapping } from './schema.ts';

/** What could be read of a mapping: keys that are absent, or have a mistake that was reported, are undefined. */
export type Read<E extends Entries> = { readonly [K in keyof E]: v.InferOutput<E[K]> | undefined };

/**
 * Reads a mapping key by key, so that a mistake in one hides no mistake in another. Reports every mistake and every
 * unknown key at its place. Any key may be left out.
 *
 * @param content `secret`: even an unknown key is named only when it resembles a known one.
 */
export function readMapping<const E extends Entries>(
  entries: E,
  value: unknown,
  place: Place,
  content: 'plain' | 'secret' = 'plain',
): Read<E> {
  const known = Object.keys(entries);
  const mapping = value ?? {};
  if (!isMapping(mapping)) {
    place.error(expected(`a mapping (${known.join(', ')})`, value));
    return {} as Read<E>;
  }
  for (const key of Object.keys(mapping)) {
    if (Object.hasOwn(entries, key)) continue;
    report(place, [key], explainUnknownKey(key, known, content));
  }
  const present = known.filter((key) => mapping[key] !== undefined);
  const read = present.map((key) => [key, readValue(entries[key] as Entries[string], mapping[key], place.at(key))]);
  return Object.fromEntries(read) as Read<E>;
}

/** Reads one value; undefined when it is absent or has a mistake, which was reported. */
export function readValue<S extends Entries[string]>(
  schema: S,
  value: unknown,
  place: Place,
): v.InferOutput<S> | undefined {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  for (const issue of result.issues) {
    report(place, issue.path?.map(({ key }) => key as string | number) ?? [], issue.message);
  }
  return undefined;
}

/** @param text a message of the schemas: a hint may follow after a line break. */
function report(place: Place, path: Path, text: string): void {
  const [message = '', hint] = text.split('\n', 2);
  place.at(...(isAboutHiddenKey(message) ? path.slice(0, -1) : path)).error(message, hint);
}
