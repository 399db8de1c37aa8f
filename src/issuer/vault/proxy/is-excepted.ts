import { BlockList, isIP } from 'node:net';

interface Host {
  readonly name: string;
  readonly port: string;
}

/**
 * Whether a URL is asked directly, past the proxy, by the rules that Go has for NO_PROXY (golang.org/x/net/http/httpproxy),
 * as Vault's own clients follow them: names stand for themselves and all below them, `.name` and `*.name` for those below
 * alone, IP addresses for themselves, `10.0.0.0/8` for what is in it, `*` for everything; a port narrows it down. This
 * machine itself is excepted always. What cannot be read excepts nothing.
 *
 * @param exceptions separated by commas; undefined: there are none, not even this machine.
 */
export function isExcepted(exceptions: string | undefined, { hostname, port, protocol }: URL): boolean {
  if (exceptions === undefined) return false;
  const name = hostname.replace(/^\[|\]$/g, '');
  if (name === 'localhost' || isWithin(name, '127.0.0.0', 8) || isWithin(name, '::1', 128)) return true;
  const host = { name, port: port || (protocol === 'https:' ? '443' : '80') };
  return exceptions.split(',').some((entry) => covers(entry.trim().toLowerCase(), host));
}

function covers(entry: string, host: Host): boolean {
  if (entry === '*') return true;
  const [, network = '', bits] = /^([\da-f.:]+)\/(\d+)$/.exec(entry) ?? [];
  if (isIP(network) !== 0) return isWithin(host.name, network, Number(bits));
  const [, address = entry, port = host.port] = /^(\[.*\]|[^:]*):(\d+)$/.exec(entry) ?? [];
  if (port !== host.port) return false;
  const name = address.replace(/^\[|\]$/g, '').replace(/^\*\./, '.');
  if (isIP(name) !== 0) return isWithin(host.name, name, isIP(name) === 4 ? 32 : 128);
  if (name === '' || isIP(host.name) !== 0) return false;
  return name.startsWith('.') ? host.name.endsWith(name) : `.${host.name}`.endsWith(`.${name}`);
}

function isWithin(host: string, network: string, bits: number): boolean {
  const family = isIP(network);
  if (isIP(host) !== family || bits > (family === 4 ? 32 : 128)) return false;
  const list = new BlockList();
  list.addSubnet(network, bits, `ipv${family as 4 | 6}`);
  return list.check(host, `ipv${family as 4 | 6}`);
}
