import { AgentError, type ErrorCode } from '../errors.ts';
import { KubernetesError } from './kubernetes-error.ts';
import { type Attempt, describe } from './status-errors.ts';

type Words = readonly [code: ErrorCode, why: string, remedy: string];

const CHECK = 'check the address of the API server, routes, network policies and firewalls';
const CHECK_CA = 'check the CA: ca.crt of the service account, or certificate-authority of the kubeconfig';

/** By the `code` of errors of Node. */
const MEANINGS: Readonly<Record<string, Words>> = {
  ECONNREFUSED: ['ERR_CA_UNREACHABLE', 'connection refused', CHECK],
  ECONNRESET: ['ERR_CA_UNREACHABLE', 'the connection was cut before an answer came', CHECK],
  EPIPE: ['ERR_CA_UNREACHABLE', 'the connection was cut before an answer came', CHECK],
  ENOTFOUND: ['ERR_CA_UNREACHABLE', 'no such host name', 'check the address of the API server and DNS'],
  EAI_AGAIN: ['ERR_CA_UNREACHABLE', 'the name server does not answer', 'check DNS'],
  ETIMEDOUT: ['ERR_CA_UNREACHABLE', 'no answer to connecting', CHECK],
  EHOSTUNREACH: ['ERR_CA_UNREACHABLE', 'no route to the host', CHECK],
  ENETUNREACH: ['ERR_CA_UNREACHABLE', 'no route to the network', CHECK],
  SELF_SIGNED_CERT_IN_CHAIN: ['ERR_CA_TLS', 'no CA that we trust signed its TLS certificate', CHECK_CA],
  DEPTH_ZERO_SELF_SIGNED_CERT: ['ERR_CA_TLS', 'no CA that we trust signed its TLS certificate', CHECK_CA],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ['ERR_CA_TLS', 'no CA that we trust signed its TLS certificate', CHECK_CA],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ['ERR_CA_TLS', 'no CA that we trust signed its TLS certificate', CHECK_CA],
  CERT_SIGNATURE_FAILURE: ['ERR_CA_TLS', 'no CA that we trust signed its TLS certificate', CHECK_CA],
  CERT_HAS_EXPIRED: ['ERR_CA_TLS', 'its TLS certificate has expired', 'renew it, or set the clock of this machine'],
  CERT_NOT_YET_VALID: ['ERR_CA_TLS', 'its TLS certificate is not valid yet', 'set the clock of this machine'],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    'ERR_CA_TLS',
    'its TLS certificate is for other names than the one we look for',
    'check the address, or set tls-server-name in the kubeconfig',
  ],
};

/**
 * A request that got no answer, in words. What is an AgentError already stays as it is.
 *
 * @param signal which the request was made with: a reason named `TimeoutError` means that the time limit was reached.
 */
export function explainFailure(
  cause: unknown,
  attempt: Attempt & { readonly limitMs: number },
  signal: AbortSignal,
): AgentError {
  if (cause instanceof AgentError) return cause;
  const where = `the Kubernetes API at ${attempt.address}`;
  const what = describe(attempt);
  if (!signal.aborted) {
    const [code, why, remedy] = interpret(cause as NodeJS.ErrnoException);
    return new KubernetesError(code, `cannot reach ${where} for ${what}: ${why}`, { remedy, cause });
  }
  if ((signal.reason as Error | undefined)?.name !== 'TimeoutError') {
    return new KubernetesError('ERR_CA_UNREACHABLE', `gave up asking ${where} for ${what}`);
  }
  const message = `no answer from ${where} to ${what} within ${attempt.limitMs / 1000} s`;
  return new KubernetesError('ERR_CA_UNREACHABLE', message, { remedy: CHECK });
}

function interpret({ code = '', message = '' }: NodeJS.ErrnoException): Words {
  const known = MEANINGS[code];
  if (known !== undefined) return known;
  if (/wrong version number|packet length too long/i.test(message)) {
    return ['ERR_CA_TLS', 'the other end does not speak TLS', CHECK];
  }
  if (code === 'EPROTO' || code.startsWith('ERR_SSL') || code.startsWith('ERR_OSSL') || code.startsWith('ERR_TLS')) {
    return ['ERR_CA_TLS', `the TLS handshake failed (${code})`, CHECK_CA];
  }
  if (code.startsWith('HPE_')) return ['ERR_CA_PROTOCOL', 'the other end does not speak HTTP', CHECK];
  return ['ERR_CA_UNREACHABLE', code || 'the connection failed', CHECK];
}
