import { isIP } from 'node:net';
import { AgentError } from '../errors.ts';
import { SpiffeId } from '../identity/spiffe-id.ts';
import type { Address, OutboundOption, Target } from './plan.ts';

const OUTBOUND = /^(?:(\d{1,5}):)?([\w.-]{1,200})=([^=]+?)(?:=(.*))?$/;

/**
 * Reads `[LOCALPORT:]NAME=TARGET[=SPIFFE-ID]`, the target as {@link readTarget} does.
 *
 * @throws AgentError `ERR_CONFIG`
 */
export function readOutbound(text: string): OutboundOption {
  const [, localPort, name, target = '', id] = OUTBOUND.exec(text) ?? [];
  if (name === undefined || Number(localPort ?? 0) > 65_535) {
    throw new AgentError('ERR_CONFIG', `expected [LOCALPORT:]NAME=HOST:PORT[=SPIFFE-ID], got "${text}"`);
  }
  return {
    name,
    target: readTarget(target),
    ...(id !== undefined && { spiffeId: readSpiffeId(id) }),
    ...(localPort !== undefined && { localPort: Number(localPort) }),
  };
}

/**
 * Reads `HOST:PORT`, `http://HOST:PORT` or `tcp://HOST:PORT`. Default: http.
 *
 * @throws AgentError `ERR_CONFIG`
 */
export function readTarget(text: string): Target {
  const [, protocol = 'http', address = ''] = /^(?:(http|tcp):\/\/)?(.*)$/.exec(text) ?? [];
  return { protocol: protocol === 'tcp' ? 'tcp' : 'http', ...readAddress(address) };
}

/**
 * Reads `HOST:PORT`; the brackets of an IPv6 address are taken off.
 *
 * @throws AgentError `ERR_CONFIG`
 */
export function readAddress(text: string): Address {
  const [, host = '', port = ''] = /^(\[[\da-fA-F:.]+\]|[\w.-]+):(\d{1,5})$/.exec(text) ?? [];
  if (host !== '' && Number(port) <= 65_535) return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
  throw new AgentError('ERR_CONFIG', `expected HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080, got "${text}"`);
}

/**
 * As {@link readAddress}, for what is listened on: Envoy takes no names there.
 *
 * @throws AgentError `ERR_CONFIG`
 */
export function readListenAddress(text: string): Address {
  const address = readAddress(text);
  if (isIP(address.host) > 0) return address;
  throw new AgentError(
    'ERR_CONFIG',
    `expected an IP address to listen on, such as 127.0.0.1:${address.port}, got "${text}"`,
  );
}

function readSpiffeId(text: string): SpiffeId {
  const [, trustDomain, path] = /^spiffe:\/\/([^/]*)(\/.*)$/.exec(text) ?? [];
  if (trustDomain !== undefined && path !== undefined) return new SpiffeId(trustDomain, path);
  throw new AgentError('ERR_CONFIG', `expected a SPIFFE ID, such as spiffe://default/backend, got "${text}"`);
}
