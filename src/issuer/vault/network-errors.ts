import { AgentError, type ErrorCode } from '../../errors.ts';

/** What was being done, for messages. */
export interface Attempt {
  readonly address: string;
  readonly purpose: string;
  readonly timeLimitMs: number;
}

interface Explanation {
  readonly code: ErrorCode;
  readonly why: string;
  readonly remedy: string;
}

const CHECK_ADDRESS = 'check conf.fromCp.address';

const UNTRUSTED: Explanation = {
  code: 'ERR_CA_TLS',
  why: "no CA that we trust signed Vault's TLS certificate",
  remedy: "set conf.fromCp.tls.caCert to the CA that signed Vault's certificate",
};

function unreachable(why: string, remedy: string): Explanation {
  return { code: 'ERR_CA_UNREACHABLE', why, remedy };
}

/** By the `code` of Node's errors: libuv's for sockets, OpenSSL's verification results for certificates. */
const EXPLANATIONS: Readonly<Record<string, Explanation>> = {
  ECONNREFUSED: unreachable('connection refused', `${CHECK_ADDRESS}, and that Vault runs and listens there`),
  ENOTFOUND: unreachable('no such host name', `${CHECK_ADDRESS} and DNS`),
  EAI_AGAIN: unreachable('the name server does not answer', 'check DNS of this machine'),
  ETIMEDOUT: unreachable('no answer to connecting', `${CHECK_ADDRESS}, routes and firewalls`),
  EHOSTUNREACH: unreachable('no route to the host', `${CHECK_ADDRESS}, routes and firewalls`),
  ENETUNREACH: unreachable('no route to the network', `${CHECK_ADDRESS} and routes`),
  ECONNRESET: unreachable(
    'the connection was cut before an answer came',
    `${CHECK_ADDRESS}, and what stands between here and Vault`,
  ),
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  CERT_SIGNATURE_FAILURE: UNTRUSTED,
  CERT_UNTRUSTED: UNTRUSTED,
  INVALID_CA: UNTRUSTED,
  CERT_HAS_EXPIRED: {
    code: 'ERR_CA_TLS',
    why: "Vault's TLS certificate, or a CA above it, has expired",
    remedy: "renew Vault's TLS certificate, or set the clock of this machine",
  },
  CERT_NOT_YET_VALID: {
    code: 'ERR_CA_TLS',
    why: "Vault's TLS certificate, or a CA above it, is not valid yet",
    remedy: 'set the clock of this machine',
  },
};

/** The failure of a request that got no answer, in words. What is an AgentError already stays as it is. */
export function explainNetworkError(cause: unknown, attempt: Attempt): AgentError {
  if (cause instanceof AgentError) return cause;
  const { code = '', message = '' } = cause as NodeJS.ErrnoException;
  const { code: ours, why, remedy } = EXPLANATIONS[code] ?? explainUnlisted(code, message, cause, attempt);
  return new AgentError(ours, `cannot reach Vault at ${attempt.address} while ${attempt.purpose}: ${why}`, {
    remedy,
    cause,
  });
}

function explainUnlisted(code: string, message: string, cause: unknown, { address }: Attempt): Explanation {
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return {
      code: 'ERR_CA_TLS',
      why: `its TLS certificate is for ${readNames(cause)} and not for the name that we look for`,
      remedy: 'set conf.fromCp.tls.serverName, or the host in conf.fromCp.address, to a name in the certificate',
    };
  }
  if (/wrong version number|packet length too long|http request/i.test(message)) {
    return {
      code: 'ERR_CA_TLS',
      why: 'the other end does not speak TLS',
      remedy: `if Vault listens without TLS there, write ${address.replace('https:', 'http:')} in conf.fromCp.address`,
    };
  }
  if (code === 'EPROTO' || code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS')) {
    return {
      code: 'ERR_CA_TLS',
      why: `the TLS handshake failed (${readReason(code, message)})`,
      remedy: 'check the TLS settings of the listener of Vault; TLS 1.2 or later is needed',
    };
  }
  if (code.startsWith('HPE_')) {
    return { code: 'ERR_CA_PROTOCOL', why: 'the other end does not speak HTTP', remedy: CHECK_ADDRESS };
  }
  return { code: 'ERR_CA_UNREACHABLE', why: code || 'the connection failed', remedy: CHECK_ADDRESS };
}

/** @param attempt.connected whether there was a connection when the signal was aborted. */
export function explainAbort(signal: AbortSignal, attempt: Attempt & { readonly connected: boolean }): AgentError {
  const { address, purpose, timeLimitMs } = attempt;
  if ((signal.reason as Error | undefined)?.name !== 'TimeoutError') {
    return new AgentError('ERR_CA_UNREACHABLE', `gave up asking Vault at ${address} while ${purpose}: we are stopping`);
  }
  const within = `within ${timeLimitMs / 1000} s while ${purpose}`;
  return attempt.connected
    ? new AgentError('ERR_CA_UNREACHABLE', `no answer from Vault at ${address} ${within}`, {
        remedy: 'check the load of Vault and of what it asks, or raise dpCert.requestTimeout',
      })
    : new AgentError('ERR_CA_UNREACHABLE', `no connection to Vault at ${address} ${within}`, {
        remedy: `${CHECK_ADDRESS}, routes and firewalls`,
      });
}

function readNames(cause: unknown): string {
  const names = (cause as { cert?: { subjectaltname?: string } }).cert?.subjectaltname;
  return names === undefined ? 'other names' : names.slice(0, 200);
}

/** `...:SSL routines:ssl3_read_bytes:tlsv1 alert protocol version:...` -> `tlsv1 alert protocol version` */
function readReason(code: string, message: string): string {
  return /SSL routines:[^:]*:([^:]+):/.exec(message)?.[1] ?? code;
}
