import type { VaultTransport } from '../../issuer/vault/config.ts';
import type { Place } from '../place.ts';
import { convert, fail, isMapping, quote } from '../schema.ts';
import { openVariables } from './open-variables.ts';
import { parsedBoolean } from './parsed-boolean.ts';
import { readProxy } from './proxy.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * How requests to Vault travel, as the variables of Vault's own clients say; undefined when they say nothing. Mistakes are
 * reported under the name of the variable.
 *
 * @param target the address that is asked; undefined: it has a mistake.
 */
export function readTransport(
  environment: Environment,
  place: Place,
  target: string | undefined,
): VaultTransport | undefined {
  const read = openVariables(environment, place);
  const said: VaultTransport = {
    proxy: readProxy(environment, place, target),
    requestTimeoutMs: read(clientTimeout, 'VAULT_CLIENT_TIMEOUT'),
    maxRetries: read(count, 'VAULT_MAX_RETRIES'),
    ignoresRedirects: read(parsedBoolean, 'VAULT_DISABLE_REDIRECTS'),
    headers: read(headers, 'VAULT_HEADERS'),
  };
  return Object.values(said).some((value) => value !== undefined) ? said : undefined;
}

/** Of the units that Go's durations have, in milliseconds. */
const UNITS_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1e3,
  m: 60e3,
  h: 3_600e3,
};

/** As `ParseDurationSecond` of Vault reads it: `90` seconds, `1m30s`, `2d`. Zero is the default. */
const clientTimeout = convert((input) => {
  const text = String(input);
  const ms = parseTimeoutMs(text);
  if (ms === 0) return undefined;
  if (ms >= 1) return Math.round(ms);
  return fail(
    `expected a duration of at least 1ms, got ${quote(text)}`,
    'write seconds, or a duration such as 90s or 1m30s',
  );
});

/** NaN: it is none. */
function parseTimeoutMs(text: string): number {
  if (/^\+?\d+$/.test(text)) return Number(text) * 1e3;
  if (/^\+?\d+d$/.test(text)) return Number(text.slice(0, -1)) * 86_400e3;
  if (!/^\+?((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+$/.test(text)) return Number.NaN;
  const parts = text.matchAll(/([\d.]+)(\D+)/g);
  return parts.reduce((sum, [, amount, unit = '']) => sum + Number(amount) * (UNITS_MS[unit] ?? Number.NaN), 0);
}

const count = convert((input) => {
  const isCount = /^\d+$/.test(String(input)) && Number(input) < 2 ** 32;
  return isCount ? Number(input) : fail(`expected a whole number, got ${quote(String(input))}`);
});

/** Of these depends how a request is understood. */
const OURS = /^(x-vault-.*|host|connection|content-length|content-type|transfer-encoding|proxy-authorization)$/i;

/** `{"name": "value"}`. Neither is quoted: there may be a secret. */
const headers = convert((input) => {
  const hint = 'write JSON like {"X-Gateway": "mesh"}';
  const read = parseJson(String(input));
  if (!isMapping(read)) return fail('expected a JSON object of headers', hint);
  for (const [name, value] of Object.entries(read)) {
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) return fail('expected names of headers, got something else', hint);
    if (OURS.test(name)) return fail(`the header ${quote(name)} is for internal use only`, 'leave it out');
    if (typeof value !== 'string' || !/^[\t\x20-\x7e]*$/.test(value)) {
      return fail(`expected text on one line as the value of ${quote(name)}`, hint);
    }
  }
  return read as Record<string, string>;
});

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What Vault's own clients would do by these, and an agent does not. */
const UNUSED: readonly [name: string, why: string, hint?: string][] = [
  ['VAULT_WRAP_TTL', 'an answer that is wrapped holds no certificate'],
  ['VAULT_MFA', 'nobody is there to ask for a passcode', 'log in by a role that demands none'],
  [
    'VAULT_RATE_LIMIT',
    'an agent asks some three times for a certificate',
    'set a quota in Vault: sys/quotas/rate-limit',
  ],
];

/** @param target the address that is asked. */
export function warnOfUnused(environment: Environment, place: Place, target: string | undefined): void {
  const outside = place.outside('environment');
  for (const [name, why, hint] of UNUSED) {
    if (environment[name]) outside.at(name).warn(`not used: ${why}`, hint);
  }
  const looksUp = openVariables(environment, place)(parsedBoolean, 'VAULT_SRV_LOOKUP');
  // With a port in the address, Vault's own clients look nothing up either.
  if (looksUp && target !== undefined && !/:\d+$/.test(target) && !target.startsWith('unix:')) {
    outside
      .at('VAULT_SRV_LOOKUP')
      .warn('not used: no SRV records are looked up', 'write host and port into the address');
  }
}
