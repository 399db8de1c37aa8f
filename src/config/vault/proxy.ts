import type { VaultProxy } from '../../issuer/vault/config.ts';
import type { Place } from '../place.ts';
import { convert, expected, fail } from '../schema.ts';
import { openVariables } from './open-variables.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The forward proxy that Vault's own clients take for this address: VAULT_PROXY_ADDR, else VAULT_HTTP_PROXY, for every
 * address; else HTTPS_PROXY or HTTP_PROXY, by the scheme of the address, but for what NO_PROXY lists. Capitals go before
 * small letters.
 *
 * One that everything on this machine is told to use, and that cannot be read, is warned of and not used, as Go has it.
 *
 * @param target the address that is asked; undefined: it has a mistake.
 */
export function readProxy(environment: Environment, place: Place, target: string | undefined): VaultProxy | undefined {
  if (target?.startsWith('unix:')) return undefined;
  const own = ['VAULT_PROXY_ADDR', 'VAULT_HTTP_PROXY'].find((name) => environment[name]);
  if (own !== undefined) {
    const read = openVariables(environment, place)(proxyAddress, own);
    return read && { ...read, variable: own };
  }
  const scheme = /^https?(?=:)/.exec(target ?? '')?.[0];
  const names = scheme === undefined ? [] : [`${scheme.toUpperCase()}_PROXY`, `${scheme}_proxy`];
  const variable = names.find((name) => environment[name]);
  if (variable === undefined) return undefined;
  const value = environment[variable] ?? '';
  const read = parseProxy(value.includes('://') ? value : `http://${value}`);
  if (read === undefined) {
    if (!isThisMachine(target)) place.outside('environment').at(variable).warn(`not used: expected ${WANTED}`, HINT);
    return undefined;
  }
  const exceptions = environment.NO_PROXY || environment.no_proxy || '';
  return { ...read, variable, exceptions };
}

const WANTED = 'http:// or https:// and a host, SOCKS is not supported';
const HINT = 'write it like http://proxy.example:3128';

/** Never quoted: it may hold a password. */
const proxyAddress = convert((input) => {
  if (typeof input !== 'string') return fail(expected('the URL of a proxy', input), HINT);
  return parseProxy(input) ?? fail(`expected ${WANTED}`, HINT);
});

function parseProxy(text: string): Pick<VaultProxy, 'address' | 'authorization'> | undefined {
  if (!/^https?:\/\/[^/]/i.test(text) || !URL.canParse(text)) return undefined;
  const { origin, username, password } = new URL(text);
  if (username === '' && password === '') return { address: origin };
  try {
    const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    return { address: origin, authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
  } catch {
    return undefined;
  }
}

function isThisMachine(target = ''): boolean {
  return /^https?:\/\/(localhost|127\.|\[::1\])/.test(target);
}
