import { resolve } from 'node:path';
import * as v from 'valibot';
import type { DataSource } from '../data-source.ts';
import type { Place } from './place.ts';
import { convert, expected, fail, keys, maybe, path, text } from './schema.ts';

const FORMS = ['secret', 'file', 'inline', 'inlineString'] as const;

/** The name of a secret becomes the name of a file, so it may not lead elsewhere. */
const secretName = convert((input) => {
  if (typeof input !== 'string') return fail(expected('the name of a secret', input));
  if (/^(?!\.{1,2}$)[A-Za-z0-9._-]+$/.test(input)) return input;
  return fail('expected the name of a secret: letters, digits, ".", "-" and "_"', 'for a path, use "file"');
});

/** Kuma's `inline` is base64; PEM is taken as it is, since nobody means anything else by it. */
const inline = convert((input) => {
  if (typeof input !== 'string') return fail(expected('base64', input));
  if (input.includes('-----BEGIN ')) return input;
  const decoded = decodeBase64(input.replace(/\s/g, ''));
  return decoded ?? fail('expected base64 of text, or PEM', 'write plain text as "inlineString"');
});

function decodeBase64(base64: string): string | undefined {
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(base64)) return undefined;
  const decoded = Buffer.from(base64, 'base64').toString('utf8');
  return decoded === '' || /[^\t\n\r\P{Cc}]|\uFFFD/u.test(decoded) ? undefined : decoded;
}

/** Kuma's data source: exactly one of its four forms; an empty text counts as absent. */
export const source = v.pipe(
  keys({ secret: maybe(secretName), file: maybe(path), inline: maybe(inline), inlineString: maybe(text) }, 'secret'),
  v.rawTransform<SourceForms, DataSource>(({ dataset, addIssue, NEVER }) => {
    const { secret, file, inline, inlineString } = dataset.value;
    const given = FORMS.filter((form) => dataset.value[form] !== undefined);
    if (given.length !== 1) {
      const found = given.length === 0 ? 'none' : given.join(' and ');
      addIssue({ message: `expected exactly one of ${FORMS.join(', ')}, got ${found}` });
      return NEVER;
    }
    if (secret !== undefined) return { kind: 'secret', name: secret };
    if (file !== undefined) return { kind: 'file', path: file };
    return { kind: 'inline', value: inline ?? inlineString ?? '' };
  }),
);

type SourceForms = { readonly [F in (typeof FORMS)[number]]?: string | undefined };

/** A source that the agent will really read: with its file's absolute path, and a warning when it is inline. */
export function useSource(read: DataSource, place: Place, currentDirectory: string): DataSource {
  if (read.kind === 'file') return { kind: 'file', path: resolve(currentDirectory, read.path) };
  if (read.kind === 'inline') {
    place.warnOnce('inline', 'a value that stands in the configuration is for development only', 'use secret or file');
  }
  return read;
}
