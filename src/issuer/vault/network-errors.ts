import { AgentError, type ErrorCode } from '../../errors.ts';
import type { AddressKey } from './client.ts';
import type { VaultProxy } from './config.ts';
import { explainTlsFailure } from './tls-errors.ts';

/** What was being done, for messages. */
export interface Attempt {
  readonly address: string;
  /** The key under `conf.fromCp` that holds the address. Default `address`. */
  readonly addressKey?: AddressKey | undefined;
  /** What the request went through; it was reached. */
  readonly proxy?: VaultProxy | undefined;
  readonly purpose: string;
  readonly timeLimitMs: number;
}

export interface Explanation {
  readonly code: ErrorCode;
  readonly why: string;
  readonly remedy: string;
}

/** By the `code` of libuv's errors. */
const ROUTE: Readonly<Record<string, readonly [why: string, remedy: string]>> = {
  ECONNREFUSED: ['connection refused', ', and that Vault runs and listens there'],
  ENOTFOUND: ['no such host name', ' and DNS'],
  EAI_AGAIN: ['the name server does not answer', ' and DNS of this machine'],
  ETIMEDOUT: ['no answer to connecting', ', routes and firewalls'],
  EHOSTUNREACH: ['no route to the host', ', routes and firewalls'],
  ENETUNREACH: ['no route to the network', ' and routes'],
  ECONNRESET: ['the connection was cut before an answer came', ', and what stands between here and Vault'],
  EPIPE: ['the connection was cut before an answer came', ', and what stands between here and Vault'],
};

const SOCKET: Readonly<Record<string, readonly [why: string, remedy: string]>> = {
  ENOENT: ['there is no such socket', ', and that Vault Agent runs and has a unix listener there'],
  ECONNREFUSED: ['nobody listens on that socket', ', and that Vault Agent runs and has a unix listener there'],
  EACCES: ['permission denied', ", and socket_user, socket_group and socket_mode of Vault Agent's listener"],
  ENOTSOCK: ['that is no socket', ''],
  EINVAL: ['the path is longer than that of a socket can be', ' and shorten it to 107 bytes'],
  ENAMETOOLONG: ['the path is longer than that of a socket can be', ' and shorten it to 107 bytes'],
};

/** The failure of a request that got no answer, in words. What is an AgentError already stays as it is. */
export function explainNetworkError(cause: unknown, attempt: Attempt): AgentError {
  if (cause instanceof AgentError) return cause;
  const { code, why, remedy } =
    explainRoute(cause, attempt) ?? explainTlsFailure(cause, attempt) ?? explainRest(cause, attempt);
  const message = `cannot reach ${nameOf(attempt)} at ${nameWay(attempt)} while ${attempt.purpose}: ${why}`;
  return new AgentError(code, message, { remedy, cause });
}

/** @param attempt.connected whether there was a connection when the signal was aborted. */
export function explainAbort(signal: AbortSignal, attempt: Attempt & { readonly connected: boolean }): AgentError {
  const { purpose, timeLimitMs } = attempt;
  const vault = `${nameOf(attempt)} at ${nameWay(attempt)}`;
  if ((signal.reason as Error | undefined)?.name !== 'TimeoutError') {
    return new AgentError('ERR_CA_UNREACHABLE', `gave up asking ${vault} while ${purpose}: we are stopping`);
  }
  const within = `within ${timeLimitMs / 1000} s while ${purpose}`;
  return attempt.connected
    ? new AgentError('ERR_CA_UNREACHABLE', `no answer from ${vault} ${within}`, {
        remedy:
          attempt.addressKey === 'agentAddress'
            ? 'see the log of the Vault Agent: it goes on asking a Vault that is away or sealed for longer than we wait'
            : 'check the load of Vault and of what it asks, or raise dpCert.requestTimeout',
      })
    : new AgentError('ERR_CA_UNREACHABLE', `no connection to ${vault} ${within}`, {
        remedy:
          attempt.proxy === undefined
            ? `${check(attempt)}, routes and firewalls`
            : `check ${attempt.proxy.variable}, the log of the proxy, and whether it has a way to Vault`,
      });
}

/** Without user and password. */
function nameWay({ address, proxy }: Pick<Attempt, 'address' | 'proxy'>): string {
  return proxy === undefined ? address : `${address} through the proxy ${proxy.address}`;
}

/** Who answers at an address. */
export function nameOf({ addressKey }: Pick<Attempt, 'addressKey'>): string {
  return addressKey === 'agentAddress' ? 'the Vault Agent' : 'Vault';
}

function check({ addressKey = 'address' }: Attempt): string {
  return `check conf.fromCp.${addressKey}`;
}

function explainRoute(cause: unknown, attempt: Attempt): Explanation | undefined {
  const { code = '' } = cause as NodeJS.ErrnoException;
  const found = attempt.address.startsWith('unix:') ? (SOCKET[code] ?? ROUTE[code]) : ROUTE[code];
  if (found === undefined) return undefined;
  const [why, more] = found;
  const remedy = `${check(attempt)}${attempt.addressKey === 'agentAddress' ? more.replace('Vault runs', 'Vault Agent runs') : more}`;
  return { code: 'ERR_CA_UNREACHABLE', why, remedy };
}

function explainRest(cause: unknown, attempt: Attempt): Explanation {
  const { code = '' } = cause as NodeJS.ErrnoException;
  return code.startsWith('HPE_')
    ? { code: 'ERR_CA_PROTOCOL', why: 'the other end does not speak HTTP', remedy: check(attempt) }
    : { code: 'ERR_CA_UNREACHABLE', why: code || 'the connection failed', remedy: check(attempt) };
}
