import { AgentError } from '../../../errors.ts';
import type { VaultProxy } from '../config.ts';

/** By the `code` of libuv's errors. */
const ROUTE: Readonly<Record<string, readonly [why: string, remedy: string]>> = {
  ECONNREFUSED: ['connection refused', ', and that the proxy runs and listens there'],
  ENOTFOUND: ['no such host name', ' and DNS'],
  EAI_AGAIN: ['the name server does not answer', ' and DNS of this machine'],
  ETIMEDOUT: ['no answer to connecting', ', routes and firewalls'],
  EHOSTUNREACH: ['no route to the host', ', routes and firewalls'],
  ENETUNREACH: ['no route to the network', ' and routes'],
  ECONNRESET: ['the connection was cut before an answer came', ', and the log of the proxy'],
  ABORT_ERR: ['no answer in time', ', routes and firewalls, and the log of the proxy'],
  EPIPE: ['the connection was cut before an answer came', ', and the log of the proxy'],
};

/**
 * The proxy that cannot be reached, or does not answer as one does. What is an AgentError already stays as it is.
 *
 * @param base of Vault: `https://vault.example:8200`.
 */
export function explainProxyFailure(cause: unknown, proxy: VaultProxy, base: string): AgentError {
  if (cause instanceof AgentError) return cause;
  const { code = '' } = cause as NodeJS.ErrnoException;
  const [why, more] = ROUTE[code] ?? explainRest(code, proxy);
  return new AgentError('ERR_CA_UNREACHABLE', `cannot reach the ${nameProxy(proxy)} before Vault at ${base}: ${why}`, {
    remedy: `check ${proxy.variable}${more}`,
    cause,
  });
}

function explainRest(code: string, { address }: VaultProxy): readonly [why: string, remedy: string] {
  if (code.startsWith('HPE_')) return ['what answers there does not speak HTTP', ', its scheme (http, https) and port'];
  // Whatever else goes wrong at a proxy that is spoken to by TLS, goes wrong there.
  if (!address.startsWith('https:')) return [code || 'the connection failed', ''];
  const remedy = ', and that tls.caCert (VAULT_CACERT) holds the CA of the certificate of the proxy, too';
  return [`TLS with it cannot be made (${code || 'unknown'})`, remedy];
}

/** A status of the proxy itself, which says that it does not pass us on. */
export function explainProxyRefusal(status: number, proxy: VaultProxy, base: string): AgentError {
  const { why, remedy, retry } = interpret(status, proxy, base);
  return new AgentError(
    'ERR_CA_UNREACHABLE',
    `the ${nameProxy(proxy)} answered ${status} for Vault at ${base}: ${why}`,
    {
      remedy,
      retry,
    },
  );
}

interface Meaning {
  readonly why: string;
  readonly remedy: string;
  readonly retry: 'soon' | 'slowly';
}

function interpret(status: number, { variable, authorization }: VaultProxy, base: string): Meaning {
  switch (status) {
    case 407:
      return authorization === undefined
        ? {
            why: 'it wants user and password',
            remedy: `write them into ${variable}: http://USER:PASSWORD@...`,
            retry: 'slowly',
          }
        : { why: 'it does not accept user and password', remedy: `correct those in ${variable}`, retry: 'slowly' };
    case 502:
    case 503:
    case 504: {
      const remedy = `check conf.fromCp.address, and that Vault runs and the proxy has a way to it, or except its host by NO_PROXY`;
      return { why: 'it cannot reach Vault', remedy, retry: 'soon' };
    }
    default: {
      const remedy = `have the proxy let connections to ${new URL(base).host} through, or correct ${variable}`;
      return { why: 'it does not let us through', remedy, retry: 'slowly' };
    }
  }
}

/** `proxy http://proxy.example:3128 (HTTPS_PROXY)`; without user and password. */
export function nameProxy({ address, variable }: VaultProxy): string {
  return `proxy ${address} (${variable})`;
}
