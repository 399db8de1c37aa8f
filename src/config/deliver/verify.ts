import type { VerifyConfig } from '../../delivery/verify/config.ts';
import type { Place } from '../place.ts';
import { readMapping } from '../read.ts';
import { convert, duration, expected, fail, isAbsent, isMapping, list, maybe, pattern, quote } from '../schema.ts';
import { httpUrl, requireOneOf } from './targets.ts';

const DEFAULT_WITHIN_MS = 10_000;

const address = convert((input) => {
  const hint = 'write it like 127.0.0.1:10001 or [::1]:10001';
  if (typeof input !== 'string') return fail(expected('host:port', input), hint);
  const [, host = '', port = ''] = /^(\[[\da-fA-F:.]+\]|[\w.-]+):(\d{1,5})$/.exec(input) ?? [];
  if (host === '' || Number(port) < 1 || Number(port) > 65_535)
    return fail(`expected host:port, got ${quote(input)}`, hint);
  return { text: input, host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
});

const TARGET = {
  tls: maybe(address),
  serverName: maybe(pattern(/^[\w.-]{1,253}$/, 'the name of a host')),
  alpn: maybe(list(pattern(/^[\x21-\x7e]{1,255}$/, 'the name of a protocol'))),
  envoyAdmin: maybe(httpUrl),
  within: maybe(duration),
};

/** Reads `deliver.verify`, reporting every mistake. */
export function readVerify(targets: unknown, listPlace: Place): VerifyConfig[] {
  if (isAbsent(targets)) return [];
  if (!Array.isArray(targets)) {
    listPlace.error(expected('a list', targets), 'start each entry with "- "');
    return [];
  }
  const read: VerifyConfig[] = [];
  targets.forEach((entry: unknown, index) => {
    const target = readTarget(entry, listPlace.at(index));
    if (target === undefined) return;
    if (read.some(({ name }) => name === target.name)) listPlace.at(index).error('another entry looks there, too');
    read.push(target);
  });
  return read;
}

function readTarget(entry: unknown, place: Place): VerifyConfig | undefined {
  const {
    tls,
    serverName,
    alpn = [],
    envoyAdmin,
    within: withinMs = DEFAULT_WITHIN_MS,
  } = readMapping(TARGET, entry, place);
  if (!isMapping(entry)) return undefined;
  const kind = requireOneOf(entry, ['tls', 'envoyAdmin'], place);
  if (kind === 'envoyAdmin') {
    for (const key of ['serverName', 'alpn'].filter((only) => !isAbsent(entry[only]))) {
      place.at(key).error('goes with "tls" only');
    }
    if (envoyAdmin === undefined) return undefined;
    if (envoyAdmin.protocol !== 'http:') place.at('envoyAdmin').error("expected http://, as Envoy's admin has no TLS");
    const url = `${envoyAdmin.origin}${envoyAdmin.pathname.replace(/\/+$/, '')}`;
    return { kind, name: `envoy:${envoyAdmin.host}`, url, withinMs };
  }
  if (kind === undefined || tls === undefined) return undefined;
  const name = ['tls', tls.text, ...(serverName === undefined ? [] : [serverName]), ...alpn].join(':');
  return { kind, name, host: tls.host, port: tls.port, serverName, alpn, withinMs };
}
