/**
 * The way of requests through a forward proxy. To a Vault with TLS the proxy opens a tunnel, and sees nothing of what is
 * said; to one without, it is sent the whole URL (RFC 9112, 3.2.2) and passes on what it may read.
 *
 * @module
 */
import { Agent, type RequestOptions } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import { connect as connectTls } from 'node:tls';
import type { AgentError } from '../../../errors.ts';
import type { VaultProxy } from '../config.ts';
import { isExcepted } from './is-excepted.ts';
import { explainProxyFailure, explainProxyRefusal } from './proxy-errors.ts';
import { authorize, locateProxy, openTunnel, type ProxyTrust } from './tunnel.ts';

/** What of a request is other than without a proxy. */
export interface ProxiedRequest {
  readonly options: RequestOptions;
  readonly headers: Readonly<Record<string, string>>;
  /** For what went wrong before an answer came, other than the time limit. */
  explain(cause: unknown): unknown;
  /** For an answer of the proxy in place of Vault's; undefined: it is Vault's. */
  explainAnswer(status: number, isJson: boolean): AgentError | undefined;
}

interface TunnelOptions extends RequestOptions {
  /** The signal of the request. */
  readonly givenUp: AbortSignal;
}

export interface ProxyRoute {
  /**
   * @param base of a node: `https://vault.example:8200`.
   * @param path with its query.
   * @param signal of the request: nobody waits for a tunnel of one that was given up.
   * @returns undefined: that node is asked directly.
   */
  find(base: string, path: string, signal: AbortSignal): ProxiedRequest | undefined;
  /** Ends connections; one that is being made ends with the signal of its request. */
  close(): void;
}

/** @param tls of the connections to Vault, which go through a tunnel: `secureContext`, `servername`, `rejectUnauthorized`. */
export function openProxyRoute(proxy: VaultProxy, trust: ProxyTrust, tls: object): ProxyRoute {
  const tunnels = new TlsAgent({ keepAlive: true, ...tls });
  tunnels.createConnection = (options: TunnelOptions, done) => {
    const { host, port, givenUp } = options;
    const base = `https://${host?.includes(':') ? `[${host}]` : host}:${port}`;
    openTunnel(proxy, base, trust, givenUp).then(
      // As without a proxy, the agent hears what comes of the handshake from the socket.
      (socket) => done?.(null, connectTls({ ...options, socket } as object)),
      (error: unknown) => (done as ((error: unknown) => void) | undefined)?.(error),
    );
    return undefined;
  };
  const { protocol, hostname, port, ...proxyTls } = locateProxy(proxy, trust);
  const ProxyAgent = protocol === 'https:' ? TlsAgent : Agent;
  const whole = new ProxyAgent({ keepAlive: true, ...proxyTls });

  return {
    find(base, path, signal) {
      const url = new URL(base);
      if (isExcepted(proxy.exceptions, url)) return undefined;
      if (url.protocol === 'https:') {
        // Node ends a request that has no connection yet only together with the making of one, and hands no signal on.
        const options: TunnelOptions = { agent: tunnels, givenUp: signal };
        return { options, headers: {}, explain: (cause) => cause, explainAnswer: () => undefined };
      }
      return {
        options: { agent: whole, protocol, hostname, port, path: `${url.origin}${path}` },
        headers: { Host: url.host, ...authorize(proxy) },
        explain: (cause) => explainProxyFailure(cause, proxy, base),
        explainAnswer: (status, isJson) =>
          // Vault says what is wrong in JSON.
          status === 407 || (!isJson && [403, 502, 503, 504].includes(status))
            ? explainProxyRefusal(status, proxy, base)
            : undefined,
      };
    },
    close() {
      tunnels.destroy();
      whole.destroy();
    },
  };
}
