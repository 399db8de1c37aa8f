import { once } from 'node:events';
import { type IncomingMessage, request as requestByHttp } from 'node:http';
import { request as requestByTls } from 'node:https';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type SecureContext } from 'node:tls';
import type { VaultProxy } from '../config.ts';
import { explainProxyFailure, explainProxyRefusal } from './proxy-errors.ts';

export interface ProxyTrust {
  /** Whom to believe to be the proxy, where it is spoken to by TLS: whoever may be Vault, as Vault's own clients do. */
  readonly secureContext?: SecureContext | undefined;
  readonly skipVerify: boolean;
}

/** What a request or an agent needs to reach the proxy itself. */
export function locateProxy({ address }: VaultProxy, { secureContext, skipVerify }: ProxyTrust) {
  const { protocol, hostname, port } = new URL(address);
  const host = hostname.replace(/^\[|\]$/g, '');
  return {
    protocol,
    hostname: host,
    port: Number(port) || (protocol === 'https:' ? 443 : 80),
    ...(protocol === 'https:' && {
      secureContext,
      rejectUnauthorized: !skipVerify,
      // Node would take the name in the Host header, which is that of Vault.
      servername: isIP(host) === 0 ? host : '',
    }),
  };
}

/**
 * Has the proxy connect to a node of Vault (CONNECT; RFC 9110, 9.3.6). What is then said, TLS first, only that node hears.
 *
 * @param base `https://vault.example:8200`
 * @throws AgentError `ERR_CA_UNREACHABLE`: the proxy is away, or refuses.
 */
export async function openTunnel(
  proxy: VaultProxy,
  base: string,
  trust: ProxyTrust,
  signal: AbortSignal,
): Promise<Socket> {
  const where = locateProxy(proxy, trust);
  const { hostname, port } = new URL(base);
  const authority = `${hostname}:${port || 443}`;
  const request = (where.protocol === 'https:' ? requestByTls : requestByHttp)({
    ...where,
    method: 'CONNECT',
    path: authority,
    headers: { Host: authority, ...authorize(proxy) },
    agent: false,
    signal,
  });
  return new Promise((resolve, reject) => {
    request.on('error', (cause) => reject(explainProxyFailure(cause, proxy, base)));
    request.on('connect', ({ statusCode = 0 }: IncomingMessage, socket: Socket) => {
      if (statusCode >= 200 && statusCode < 300) return resolve(socket);
      socket.destroy();
      reject(explainProxyRefusal(statusCode, proxy, base));
    });
    request.end();
  });
}

/** Reaches the proxy, and asks it for nothing yet. @throws AgentError `ERR_CA_UNREACHABLE` */
export async function connectToProxy(
  proxy: VaultProxy,
  base: string,
  trust: ProxyTrust,
  signal: AbortSignal,
): Promise<Socket> {
  const { protocol, hostname: host, port, ...tls } = locateProxy(proxy, trust);
  const isTls = protocol === 'https:';
  const socket = isTls ? connectTls({ host, port, ...tls }) : connectTcp({ host, port });
  try {
    await once(socket, isTls ? 'secureConnect' : 'connect', { signal });
    return socket;
  } catch (cause) {
    socket.destroy();
    throw explainProxyFailure(cause, proxy, base);
  }
}

export function authorize({ authorization }: VaultProxy): { 'Proxy-Authorization'?: string } {
  return authorization === undefined ? {} : { 'Proxy-Authorization': authorization };
}
