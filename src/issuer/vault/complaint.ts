import { asRecord, asStrings } from './json.ts';

const MAX_LENGTH = 300;
/** Shorter parts of a secret give nothing away, but may be words that a message needs. */
const MIN_PART_LENGTH = 16;

/** Vault's own tokens, of all generations, and anything shaped like a JWT. */
const SECRETS = /\bhv[sbr]\.[\w.-]+|\b[sbr]\.[A-Za-z0-9]{24,}|\beyJ[\w-]+(\.[\w-]*)*/g;

/**
 * What Vault says went wrong, in one bounded line: its `errors` without the decoration that Go's error lists have, or
 * the first line of what some other server answered.
 *
 * @param secrets of the call, struck out wherever they are quoted: whole, a dotted part, or a line of them.
 */
export function complaintOf(body: unknown, text: string, secrets: readonly unknown[]): string {
  const errors = asStrings(asRecord(body).errors);
  const raw = errors.length > 0 ? errors.map(undecorate).join('; ') : body === undefined ? firstLine(text) : '';
  return strikeOut(raw, secrets).slice(0, MAX_LENGTH);
}

/** `2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n` -> `permission denied; invalid token` */
function undecorate(error: string): string {
  const items = error.replace(/^\d+ errors? occurred:/, '').split(/\n\s*\* /);
  return items
    .map(toOneLine)
    .filter((item) => item !== '')
    .join('; ');
}

function firstLine(markup: string): string {
  const text = markup.replace(/<[^>]*>/g, ' ').trim();
  return toOneLine(text.split('\n', 1)[0] ?? '');
}

/** Neither line breaks nor anything else that a terminal acts upon. */
function toOneLine(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
}

function strikeOut(text: string, secrets: readonly unknown[]): string {
  const given = secrets.filter((secret) => typeof secret === 'string').filter((secret) => secret !== '');
  const parts = given.flatMap((secret) => secret.split(/[.\s]+/)).filter(({ length }) => length >= MIN_PART_LENGTH);
  return [...given, ...parts]
    .reduce((rest, secret) => rest.replaceAll(secret, '[redacted]'), text)
    .replace(SECRETS, '[redacted]');
}
