import { convert, expected, fail, pattern, quote } from '../schema.ts';

/** Names of one or more segments, none of which leads elsewhere. */
const SEGMENTS = /^(?:(?!\.{1,2}(?:\/|$))[\w.~-]+(?:\/(?!$)|$))+$/;

/** Roles of engines and of auth methods become parts of the paths of Vault's API. */
export const roleName = pattern(/^(?!\.{1,2}$)[\w.~-]+$/, 'a name of letters, digits, ".", "-", "_" and "~"');

export const namespace = convert((input) => {
  if (typeof input !== 'string') return fail(expected('a namespace of Vault', input));
  const trimmed = trimSlashes(input);
  return SEGMENTS.test(trimmed) ? trimmed : fail(`expected a namespace of Vault, got ${quote(input)}`);
});

/** A path of the API without `/v1/` and without slashes at its ends. */
export const apiPath = convert((input) => readApiPath(input));

/** Where an auth method is mounted: `/v1/auth/NAME`, `auth/NAME` and `NAME` all become `auth/NAME`. */
export const authMount = convert((input) => {
  const path = readApiPath(input);
  return typeof path !== 'string' || path.startsWith('auth/') ? path : `auth/${path}`;
});

/** Mount and role of a PKI engine in one: `pki-int/sign/example-dot-com`, or with `issue`. */
export const pkiPath = convert((input) => {
  const example = 'write it like pki-int/sign/example-dot-com';
  if (typeof input !== 'string') return fail(expected('the path of a signing role', input), example);
  const [, pki = '', role = ''] = /^(.+)\/(?:sign|issue)\/([^/]+)$/.exec(trimSlashes(dropVersion(input))) ?? [];
  if (SEGMENTS.test(pki) && SEGMENTS.test(role)) return { pki, role };
  return fail(`expected the path of a signing role, got ${quote(input)}`, example);
});

function readApiPath(input: unknown) {
  if (typeof input !== 'string') return fail(expected('a path of the API of Vault', input));
  const trimmed = trimSlashes(dropVersion(input));
  return SEGMENTS.test(trimmed) ? trimmed : fail(`expected a path of the API of Vault, got ${quote(input)}`);
}

function dropVersion(path: string): string {
  return path.replace(/^\/?v1\//, '');
}

function trimSlashes(path: string): string {
  return path.replace(/^\/+|\/+$/g, '');
}
