import { asRecord, asStrings } from './json.ts';

const MAX_LENGTH = 300;

/** Vault's own tokens, of all generations, and anything shaped like a JWT. */
const SECRETS = /\bhv[sbr]\.[\w.-]+|\b[sbr]\.[A-Za-z0-9]{24,}|\beyJ[\w-]+(\.[\w-]*)*/g;

/**
 * What Vault says went wrong, in one bounded line: its `errors` without the decoration that Go's error lists have, or
 * the first line of what some other server answered.
 *
 * @param secrets of the call, struck out wherever they are quoted, whole or a dotted part of them.
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
  const parts = secrets
    .filter((secret) => typeof secret === 'string')
    .flatMap((secret) => [secret, ...secret.split('.')])
    .filter((part) => part.length >= 8);
  return parts.reduce((rest, part) => rest.replaceAll(part, '[redacted]'), text).replace(SECRETS, '[redacted]');
}
