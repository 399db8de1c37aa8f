import { createHash } from 'node:crypto';
import { AgentError } from '../../errors.ts';
import { derToPem } from '../../identity/pem.ts';
import { BACKEND_ANNOTATION } from '../../kubernetes/mesh-signer.ts';
import type { Condition } from '../../kubernetes/objects.ts';
import {
  findCondition,
  LEAST_EXPIRATION_SECONDS,
  type SigningRequest,
  SVID_USAGES,
} from '../../kubernetes/signing-request.ts';
import type { Progress } from '../../kubernetes/wait-for.ts';
import type { KubernetesConfig } from './config.ts';

/** As long as condition messages are quoted. */
const MAX_QUOTED = 300;

/**
 * The name of the request for a key, so that an attempt whose creation got no answer, or no end in time, is found again.
 *
 * @param csr DER.
 * @param refusals how many requests were refused before.
 */
export function nameRequest(csr: Buffer, refusals: number): string {
  const hash = createHash('sha256').update(csr).digest('hex').slice(0, 32);
  return `meshcert-${hash}${refusals === 0 ? '' : `-${refusals}`}`;
}

/** @param ttlSeconds where it is less than the API server takes, the signer may still give less. */
export function makeSigningRequest(
  name: string,
  csr: Buffer,
  ttlSeconds: number,
  { signerName, backend }: Pick<KubernetesConfig, 'signerName' | 'backend'>,
) {
  return {
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: {
      name,
      labels: { 'app.kubernetes.io/managed-by': 'meshcert' },
      ...(backend !== undefined && { annotations: { [BACKEND_ANNOTATION]: backend } }),
    },
    spec: {
      request: Buffer.from(derToPem('CERTIFICATE REQUEST', csr)).toString('base64'),
      signerName,
      expirationSeconds: Math.max(ttlSeconds, LEAST_EXPIRATION_SECONDS),
      usages: SVID_USAGES,
    },
  };
}

/**
 * How far a request is; done: the certificates in PEM, leaf first (Kubernetes, "Certificates and Certificate Signing
 * Requests").
 *
 * @param limitMs for messages.
 */
export function judgeProgress(request: SigningRequest, limitMs: number): Progress<string> {
  const { name } = request.metadata;
  const { signerName } = request.spec;
  const denied = findCondition(request, 'Denied');
  if (denied !== undefined) {
    const message = `the request to the signer "${signerName}" was denied${quote(denied)}`;
    return { kind: 'failed', error: new AgentError('ERR_CA_REFUSED', message, { detail: 'denied' }) };
  }
  const failed = findCondition(request, 'Failed');
  if (failed !== undefined) {
    const message = `the signer "${signerName}" failed${quote(failed)}`;
    return { kind: 'failed', error: new AgentError('ERR_CA_REFUSED', message, { detail: 'failed' }) };
  }
  const certificate = request.status?.certificate ?? '';
  if (certificate !== '') return { kind: 'done', result: Buffer.from(certificate, 'base64').toString('latin1') };
  const within = `within ${limitMs / 1000} s`;
  if (findCondition(request, 'Approved') === undefined) {
    const message = `the request to the signer "${signerName}" was not approved yet, ${within}`;
    const remedy = `see whether the signer runs, or approve it: kubectl certificate approve ${name}; where people approve, raise dpCert.requestTimeout`;
    return {
      kind: 'waiting',
      error: new AgentError('ERR_CA_UNAVAILABLE', message, { detail: 'not_approved', remedy }),
    };
  }
  const message = `the request to the signer "${signerName}" is approved and was not signed, ${within}`;
  const remedy = 'see whether the signer runs, and what its log says';
  return { kind: 'waiting', error: new AgentError('ERR_CA_UNAVAILABLE', message, { detail: 'not_signed', remedy }) };
}

/** Whether a failed wait was the end of the request: denied, failed, or deleted by somebody. */
export function isEnd(thrown: unknown): boolean {
  return thrown instanceof AgentError && ['denied', 'failed', 'request_deleted'].includes(thrown.detail ?? '');
}

/** Approvers write what they like, and it may be long. */
function quote({ reason = '', message = '' }: Condition): string {
  const said = [reason, message].filter((part) => part !== '').join(': ');
  return said === '' ? '' : `: ${said.replaceAll(/[\s\p{Cc}]+/gu, ' ').slice(0, MAX_QUOTED)}`;
}
