/**
 * A small client for Vault's HTTP API, for the way to a certificate only: node-vault costs more there than the whole
 * time to a first certificate.
 *
 * It never logs, reads a bounded answer, and loads no TLS for an `http:` address. A redirect is followed once, as
 * Vault's own clients do, but from `https:` to `https:` only: the other node gets the token after it has proved itself
 * to the same CAs.
 *
 * @module
 */
import type { IncomingMessage } from 'node:http';
import type { SecureContext } from 'node:tls';
import { AgentError } from '../../errors.ts';
import type { VaultTransport } from './config.ts';
import { explainAbort, explainNetworkError } from './network-errors.ts';
import { type ReadAnswer, readAnswer } from './read-answer.ts';

export interface VaultClientOptions extends Pick<VaultTransport, 'proxy' | 'ignoresRedirects' | 'headers'> {
  /** Base URL, `https://vault.example:8200`. */
  readonly address: string;
  /** Of the Vault Agent or Proxy to be asked instead: a base URL, or `unix://` and the path of a socket. */
  readonly agentAddress?: string | undefined;
  /** Sent as X-Vault-Namespace. */
  readonly namespace?: string | undefined;
  /** Asked for by SNI, and looked for in Vault's certificate, instead of the host in the address. */
  readonly serverName?: string | undefined;
  readonly skipVerify: boolean;
  /** Where {@link usesTls}. */
  readonly secureContext?: SecureContext | undefined;
  /** The limit that the caller's signal imposes, in milliseconds, for messages. */
  readonly timeLimitMs: number;
  readonly nowMs: () => number;
}

export type AddressKey = 'address' | 'agentAddress';

interface VaultCall {
  readonly method: 'GET' | 'POST';
  /** Below `/v1/`, without a slash at its start, not escaped. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** For the few paths that no namespace has. */
  readonly ignoresNamespace?: boolean;
  readonly token?: string | undefined;
  readonly body?: Readonly<Record<string, unknown>>;
  /** What must not be repeated from the answer, besides the token. */
  readonly secrets?: readonly unknown[];
  /** What is being done, for messages: `logging in`. */
  readonly purpose: string;
  /** Called once the request is on its way: time for other work. */
  readonly onSent?: (() => void) | undefined;
}

export interface VaultAnswer extends ReadAnswer {
  /** The key under `conf.fromCp` whose address was asked; undefined: `address`. */
  readonly addressKey?: AddressKey;
}

/** One call; the time limit and the connection are the maker's business. */
export type AskVault = (call: VaultCall) => Promise<VaultAnswer>;

export interface VaultClient {
  /** @throws AgentError when no answer came: name, route, TLS, time limit, or not HTTP. Every status is an answer. */
  request(call: VaultCall, signal: AbortSignal): Promise<VaultAnswer>;
  /** Ends the connection, and whatever still uses it. */
  close(): void;
}

/** Where requests go, and what messages call Vault: `https://vault.example:8200`, `unix:///run/vault/agent.sock`. */
export function reachedAt({ address, agentAddress }: Pick<VaultClientOptions, 'address' | 'agentAddress'>): string {
  return agentAddress ?? address;
}

/** Whether TLS is spoken on the way: with Vault, or with the proxy before it. */
export function usesTls({
  proxy,
  ...options
}: Pick<VaultClientOptions, 'address' | 'agentAddress' | 'proxy'>): boolean {
  return [reachedAt(options), proxy?.address].some((address) => address?.startsWith('https:'));
}

/** Opens no connection yet; all requests share one, as long as Vault keeps it open. */
export async function openVaultClient(options: VaultClientOptions): Promise<VaultClient> {
  const { agentAddress, timeLimitMs } = options;
  const address = reachedAt(options);
  const addressKey: AddressKey = agentAddress === undefined ? 'address' : 'agentAddress';
  if (!URL.canParse(address)) {
    throw new AgentError('ERR_CA_UNREACHABLE', `Vault's address "${address}" is none that can be reached`, {
      remedy: `set conf.fromCp.${addressKey} to one such as https://vault.example:8200`,
      retry: 'slowly',
    });
  }
  const isTls = address.startsWith('https:');
  const transport = isTls ? await import('node:https') : await import('node:http');
  const tls = isTls && {
    secureContext: options.secureContext,
    rejectUnauthorized: !options.skipVerify,
    ...(options.serverName !== undefined && { servername: options.serverName }),
  };
  const agent = new transport.Agent({ keepAlive: true, ...tls });
  // Shorter ones are words that a complaint may need.
  const secretHeaders = Object.values(options.headers ?? {}).filter(({ length }) => length >= 16);
  const { proxy } = address.startsWith('unix:') ? {} : options;
  const route = proxy && (await import('./proxy/route.ts')).openProxyRoute(proxy, options, tls || {});

  async function send(call: VaultCall, base: string, signal: AbortSignal): Promise<VaultAnswer> {
    const where = locate(base, call);
    const proxied = route?.find(base, where.path, signal);
    const attempt = { address: base, addressKey, timeLimitMs, purpose: call.purpose, proxy: proxied && proxy };
    const payload = call.body === undefined ? undefined : JSON.stringify(call.body);
    const headers = makeHeaders(options, call, payload);
    const sentAtMs = options.nowMs();
    const request = transport.request({
      ...where,
      agent,
      ...proxied?.options,
      method: call.method,
      headers: { ...headers, ...proxied?.headers },
    });
    // By hand: the option "signal" has Node load and compile what it watches streams with.
    const giveUp = () => request.destroy(new Error('given up'));
    if (signal.aborted) giveUp();
    signal.addEventListener('abort', giveUp, { once: true });
    if (call.onSent !== undefined) request.once('finish', call.onSent);
    try {
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        request.on('response', resolve).on('error', reject).end(payload);
      });
      const secrets = [call.token, ...(call.secrets ?? []), ...secretHeaders];
      const answer = await readAnswer(response, secrets, sentAtMs, options.nowMs);
      const refusal = proxied?.explainAnswer(answer.status, answer.body !== undefined);
      if (refusal !== undefined) throw refusal;
      return { ...answer, addressKey };
    } catch (cause) {
      if (signal.aborted) throw explainAbort(signal, { ...attempt, connected: isConnected(request.socket) });
      throw explainNetworkError(proxied?.explain(cause) ?? cause, attempt);
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  return {
    async request(call, signal) {
      const answer = await send(call, address, signal);
      const activeNode = findActiveNode(answer, call);
      // An agent has followed it already. Without TLS, or unchecked, anybody could be at the other end.
      if (activeNode === undefined || agentAddress !== undefined || !isTls || options.skipVerify) return answer;
      if (options.ignoresRedirects) return answer;
      return send(call, activeNode, signal);
    },
    close() {
      route?.close();
      agent.destroy();
    },
  };
}

/** Where a standby sends us to, when that is the same path of another node with TLS (Vault, "High availability"). */
function findActiveNode({ status, location }: VaultAnswer, call: VaultCall): string | undefined {
  if (status !== 307 || location === undefined || !URL.canParse(location)) return undefined;
  const { protocol, origin, pathname } = new URL(location);
  return protocol === 'https:' && pathname === makePath(call) ? origin : undefined;
}

function locate(base: string, call: VaultCall) {
  const query = call.query === undefined ? '' : `?${new URLSearchParams(call.query)}`;
  const path = `${makePath(call)}${query}`;
  if (base.startsWith('unix:')) return { socketPath: base.slice('unix://'.length), path };
  const { hostname, port, protocol } = new URL(base);
  return { protocol, hostname: hostname.replace(/^\[|\]$/g, ''), port, path };
}

function makePath({ path }: VaultCall): string {
  return `/v1/${path.split('/').map(encodeURIComponent).join('/')}`;
}

function makeHeaders(options: VaultClientOptions, call: VaultCall, payload: string | undefined) {
  if (call.token !== undefined && !/^[\x21-\x7e]+$/.test(call.token)) {
    throw new AgentError(
      'ERR_SOURCE',
      'the Vault token holds a line break, a blank or another character no token has',
      {
        remedy: 'store the token alone, on one line',
      },
    );
  }
  return {
    ...options.headers,
    // Listeners of Vault Agent can be set to demand it, as a browser cannot be tricked into sending it.
    'X-Vault-Request': 'true',
    Accept: 'application/json',
    ...(options.namespace !== undefined && !call.ignoresNamespace && { 'X-Vault-Namespace': options.namespace }),
    ...(call.token !== undefined && { 'X-Vault-Token': call.token }),
    ...(payload !== undefined && {
      'Content-Type': 'application/json',
      'Content-Length': String(Buffer.byteLength(payload)),
    }),
  };
}

function isConnected(socket: { connecting: boolean } | null): boolean {
  return socket !== null && !socket.connecting;
}
