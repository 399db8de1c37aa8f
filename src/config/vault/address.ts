import type { Place } from '../place.ts';
import { convert, expected, fail, quote } from '../schema.ts';

/** Of a Unix socket's path, by the `sun_path` of Linux with its closing zero. */
const MAX_SOCKET_PATH_BYTES = 107;

/** The origin alone: `https://vault.example:8200`. User and password would have to be hidden for ever; refused. */
export const address = convert((input) => {
  const hint = 'write it like https://vault.example:8200';
  if (typeof input !== 'string') return fail(expected('the address of Vault', input), hint);
  return readOrigin(input, hint);
});

/** Of a Vault Agent or Vault Proxy: an origin, or `unix:///run/vault/agent.sock`. */
export const agentAddress = convert((input) => {
  const hint = 'write it like http://127.0.0.1:8100 or unix:///run/vault/agent.sock';
  if (typeof input !== 'string') return fail(expected('the address of a Vault Agent', input), hint);
  if (!/^unix:/i.test(input)) return readOrigin(input, hint);
  const [, path = ''] = /^unix:\/\/(\/[^\p{Cc}]+)$/iu.exec(input) ?? [];
  if (path === '') return fail(`expected unix:// and an absolute path, got ${quote(input)}`, hint);
  const bytes = Buffer.byteLength(path);
  if (bytes <= MAX_SOCKET_PATH_BYTES) return `unix://${path}`;
  return fail(`the path of a Unix socket has at most ${MAX_SOCKET_PATH_BYTES} bytes, and this has ${bytes}`);
});

function readOrigin(input: string, hint: string) {
  if (input.includes('@')) return fail('expected an address without user and password', hint);
  const [, scheme = '', host = '', port, rest = ''] =
    /^(https?):\/\/(\[[\da-f:.]+\]|[\w.-]+)(?::(\d{1,5}))?(\/.*)?$/i.exec(input) ?? [];
  if (scheme === '' || Number(port ?? 0) > 65_535)
    return fail(`expected http:// or https:// and a host, got ${quote(input)}`, hint);
  if (rest.replaceAll('/', '') !== '') return fail(`expected an address without a path, got ${quote(input)}`, hint);
  const origin = `${scheme.toLowerCase()}://${host}${port === undefined ? '' : `:${port}`}`;
  // The documents of Kong Mesh have `https://vault.8200`, which is no URL and has to load all the same.
  const isSlip = /[a-z][\w-]*\.\d+$/i.test(host) && port === undefined;
  return URL.canParse(origin) || isSlip ? origin : fail(`expected a host that can exist, got ${quote(input)}`, hint);
}

/** What loads, because meshes in use have it, and yet is not as its writer may think. */
export function warnOfAddress(read: string, place: Place): void {
  if (read.startsWith('unix:')) return;
  if (!URL.canParse(read)) {
    place.warn(`no host can have the name in "${read}"`, `did you mean "${read.replace(/\.(\d+)$/, ':$1')}"?`);
  } else if (read.startsWith('http:') && !/^http:\/\/(localhost|127\.|\[::1\])/.test(read)) {
    place.warn('credentials travel unencrypted', 'use https');
  }
}
