import { AgentError } from '../../errors.ts';
import type { Condition } from '../../kubernetes/objects.ts';
import type { Progress } from '../../kubernetes/wait-for.ts';
import type { CertificateRequest } from './certificate-request.ts';
import type { IssuerRef } from './config.ts';

/** What cert-manager answers with. */
export interface SignedRequest {
  readonly certificatePem: string;
  readonly caPem: string;
}

/** `approval`: nobody has said yes. `issuer`: somebody has, and the issuer is not done. */
interface Waiting {
  readonly step: 'approval' | 'issuer';
  /** What the issuer says of it; empty: nothing. */
  readonly said: string;
}

/** What a request is for, in messages: who is to sign what. */
export interface RequestSubject {
  readonly namespace: string;
  readonly issuerRef: IssuerRef;
  readonly spiffeId: string;
}

/**
 * Reads the conditions of a request (cert-manager, "CertificateRequest resource", "Conditions" and "Approval"). One that
 * failed stays so: requests are for one try.
 *
 * @param limitMs how long it is waited for, for messages.
 */
export function judgeRequest(
  { status = {} }: CertificateRequest,
  subject: RequestSubject,
  limitMs: number,
): Progress<SignedRequest> {
  const { conditions = [], certificate = '', ca = '' } = status;
  const find = (type: string) => conditions.find((one) => one.type === type);
  const isSo = (type: string) => find(type)?.status === 'True';
  const ready = find('Ready');
  const what = `${nameIssuer(subject.issuerRef)} of cert-manager`;
  if (isSo('Denied')) {
    const remedy = `let its policy allow ${subject.spiffeId}; what to allow: meshcert setup certmanager`;
    const message = `an approver of cert-manager denied the request to ${nameIssuer(subject.issuerRef)}`;
    return fail('ERR_CA_DENIED', 'request_denied', message, find('Denied'), { remedy });
  }
  if (isSo('InvalidRequest')) {
    const message = `cert-manager calls the request to ${nameIssuer(subject.issuerRef)} invalid`;
    return fail('ERR_CA_REFUSED', 'invalid_request', message, find('InvalidRequest'));
  }
  if (ready?.status === 'True' && certificate !== '') {
    return { kind: 'done', result: { certificatePem: decode(certificate), caPem: decode(ca) } };
  }
  if (ready?.reason === 'Failed') {
    // An issuer that had a hiccup says so in the same way as one that never will.
    return fail('ERR_CA_REFUSED', 'request_failed', `${what} failed`, ready, { retry: 'soon' });
  }
  if (ready?.reason === 'Denied') {
    return fail('ERR_CA_DENIED', 'request_denied', `the request to ${what} was denied`, ready);
  }
  const isMissing = ready?.reason === 'Pending' && /^Referenced .* not found/.test(ready.message ?? '');
  if (isMissing) {
    return fail('ERR_CA_REFUSED', 'unknown_issuer', `cert-manager has no ${nameIssuer(subject.issuerRef)}`, undefined, {
      remedy: `set conf.issuerRef to one of: kubectl get issuers -n ${subject.namespace}; kubectl get clusterissuers`,
    });
  }
  const step = isSo('Approved') ? 'issuer' : 'approval';
  const error = explainWaiting({ step, said: ready?.message ?? '' }, limitMs, subject);
  return { kind: 'waiting', error };
}

/** Time is up for a request. */
function explainWaiting({ step, said }: Waiting, limitMs: number, subject: RequestSubject): AgentError {
  const { issuerRef, spiffeId } = subject;
  const within = `within ${limitMs / 1000} s`;
  const remark = said === '' ? '' : `: ${quote(said)}`;
  if (step === 'approval') {
    const message = `the request to ${nameIssuer(issuerRef)} was not approved yet by cert-manager's approver or a policy, ${within}`;
    return new AgentError('ERR_CA_REFUSED', message, {
      detail: 'not_approved',
      remedy: `let a policy allow ${spiffeId}, as meshcert setup certmanager shows, or raise dpCert.requestTimeout where people approve`,
    });
  }
  return new AgentError('ERR_CA_UNAVAILABLE', `${nameIssuer(issuerRef)} did not sign ${within}${remark}`, {
    detail: 'not_signed',
    remedy: `see: kubectl describe ${describeKind(issuerRef)} ${issuerRef.name}${inNamespace(subject)}`,
  });
}

/** `Issuer "mesh-ca"` */
export function nameIssuer({ kind, name }: IssuerRef): string {
  return `${kind} "${name}"`;
}

/** As kubectl takes it: `issuer.cert-manager.io`. */
function describeKind({ kind, group }: IssuerRef): string {
  return `${kind.toLowerCase()}.${group}`;
}

function inNamespace({ issuerRef, namespace }: RequestSubject): string {
  return issuerRef.kind.startsWith('Cluster') ? '' : ` -n ${namespace}`;
}

function fail(
  code: 'ERR_CA_DENIED' | 'ERR_CA_REFUSED',
  detail: string,
  message: string,
  condition: Condition | undefined,
  more: { remedy?: string; retry?: 'soon' } = {},
): Progress<never> {
  const said = condition?.message ?? '';
  const why = said === '' ? message : `${message}: ${quote(said)}`;
  return { kind: 'failed', error: new AgentError(code, why, { detail, ...more }) };
}

/** Policies and issuers write what they like; none of it is a secret of ours, but it may be long. */
function quote(said: string): string {
  return JSON.stringify(said.replaceAll(/[\s\p{Cc}]+/gu, ' ').slice(0, 300));
}

function decode(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}
