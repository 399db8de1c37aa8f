/**
 * The vocabulary that the schemas of all documents are made of. Messages never quote a value, except where a schema
 * says that it may be seen: a token can stand in any wrong place.
 *
 * A message of valibot is one string, so a hint follows the message after a line break.
 *
 * @module
 */
import * as v from 'valibot';
import { AgentError } from '../errors.ts';
import { parseDurationMs } from './duration.ts';
import { findNearest } from './nearest.ts';

type Schema = v.GenericSchema<unknown, unknown>;
export type Entries = Readonly<Record<string, Schema>>;

/** Not looked at here. */
export const anything = v.optional(v.unknown());

export const text = v.string((issue) => {
  const isScalar = typeof issue.input === 'number' || typeof issue.input === 'boolean';
  return `${expected('text', issue.input)}${isScalar ? '\nput it in quotes' : ''}`;
});

export const flag = v.boolean((issue) => expected('true or false', issue.input));

/** More than zero, in milliseconds. */
export const duration = convert((input) => {
  if (typeof input !== 'string') return fail(expected('a duration', input), 'write it with its unit: 30s, 24h, 30d');
  try {
    return parseDurationMs(input);
  } catch (thrown) {
    return fail(
      `expected a duration, but ${AgentError.from(thrown).message}`,
      'write it like 30s, 90m, 24h, 1h30m, 30d',
    );
  }
});

/** A path of the file system, absolute or not. Not quoted: somebody may have put a key here instead of its path. */
export const path = convert((input) => {
  if (typeof input !== 'string') return fail(expected('a path', input));
  return /^\P{Cc}+$/u.test(input) ? input : fail('expected a path, got text with line breaks or control characters');
});

/** One of these words, which may be quoted in messages. */
export function choice<const T extends readonly string[]>(options: T) {
  return v.picklist(options, ({ input }) => {
    if (typeof input !== 'string') return expected(`one of ${options.join(', ')}`, input);
    return fail(`expected one of ${options.join(', ')}, got ${quote(input)}`, suggest(input, options)).message;
  });
}

/** Text that matches; `what` completes "expected ...". The value may be quoted in messages. */
export function pattern(expression: RegExp, what: string, hint?: string) {
  return convert((input) => {
    if (typeof input !== 'string')
      return fail(expected(what, input), typeof input === 'number' ? 'put it in quotes' : hint);
    return expression.test(input) ? input : fail(`expected ${what}, got ${quote(input)}`, hint);
  });
}

export function integer(least: number, most: number) {
  const what = `a whole number from ${least} to ${most}`;
  return convert((input) => {
    if (typeof input !== 'number') return fail(expected(what, input));
    return Number.isInteger(input) && input >= least && input <= most ? input : fail(`expected ${what}, got ${input}`);
  });
}

export function list<S extends Schema>(item: S) {
  return v.array(item, ({ input }) => expected('a list', input));
}

/** A schema whose key may be left out, or be there with nothing or an empty text. */
export function maybe<S extends Schema>(schema: S) {
  const toAbsent = v.transform((input: unknown) => (isAbsent(input) ? undefined : input));
  return v.optional(v.pipe(v.unknown(), toAbsent, v.optional(schema)));
}

/**
 * A mapping with these keys and no others.
 *
 * @param content `secret`: even an unknown key is named only when it resembles a known one.
 */
export function keys<E extends Entries>(entries: E, content: 'plain' | 'secret' = 'plain') {
  const known = Object.keys(entries);
  return v.pipe(
    v.custom<Record<string, unknown>>(isMapping, ({ input }) => expected(`a mapping (${known.join(', ')})`, input)),
    v.looseObject(entries),
    v.rawCheck(({ dataset, addIssue }) => {
      const input = dataset.value as Record<string, unknown>;
      for (const key of Object.keys(input)) {
        if (Object.hasOwn(entries, key)) continue;
        const path = [{ type: 'object', origin: 'key', input, key, value: input[key] }] as const;
        addIssue({ message: explainUnknownKey(key, known, content), path: [...path] });
      }
    }),
  );
}

/** A value of a function that returns what it reads, or {@link fail}. */
export function convert<T>(read: (input: unknown) => T | Failure) {
  return v.pipe(
    v.unknown(),
    v.rawTransform<unknown, T>(({ dataset, addIssue, NEVER }) => {
      const result = read(dataset.value);
      if (!(result instanceof Failure)) return result;
      addIssue({ message: result.message });
      return NEVER;
    }),
  );
}

export class Failure {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

export function fail(message: string, hint?: string): Failure {
  return new Failure(hint === undefined ? message : `${message}\n${hint}`);
}

export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `expected a list, got text`: the kind of what is there, never the value. */
export function expected(what: string, input: unknown): string {
  return `expected ${what}, got ${describeKind(input)}`;
}

function describeKind(input: unknown): string {
  if (input === null || input === undefined) return 'nothing';
  if (Array.isArray(input)) return 'a list';
  const kinds: Record<string, string> = { string: 'text', number: 'a number', boolean: 'true or false' };
  return kinds[typeof input] ?? 'a mapping';
}

/** On one line, in quotes, cut when long. */
export function quote(value: string): string {
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value);
}

/** How the message about an unknown key begins whose name is not to be shown. */
const HIDDEN_KEY = 'unknown key, not shown as it may be a value';

/** An unknown key is named when it is a word, and no token that slipped into its place. */
export function explainUnknownKey(
  key: string,
  known: readonly string[],
  content: 'plain' | 'secret' = 'plain',
): string {
  const nearest = suggest(key, known);
  if (nearest !== undefined) return `unknown key\n${nearest}`;
  const isWord = content === 'plain' && /^[A-Za-z][A-Za-z_-]{0,31}$/.test(key);
  return `${isWord ? 'unknown key' : HIDDEN_KEY}\nknown here: ${known.join(', ')}`;
}

export function isAboutHiddenKey(message: string): boolean {
  return message.startsWith(HIDDEN_KEY);
}

/** A hint; undefined when nothing known is near. */
export function suggest(word: string, known: Iterable<string>): string | undefined {
  const nearest = findNearest(word, known);
  return nearest === undefined ? undefined : `did you mean "${nearest}"?`;
}

/** Not there, or there with nothing or an empty text. */
export function isAbsent(value: unknown): value is undefined | null | '' {
  return value === undefined || value === null || value === '';
}

/** Whether the value of a key that this version does nothing with is more than empty. */
export function asksForSomething(value: unknown): boolean {
  return !isAbsent(value) && value !== false && !(Array.isArray(value) && value.length === 0);
}
