import { certify } from '../ca/certificate-authority.ts';
import type { Clock } from '../clock.ts';
import { AgentError } from '../errors.ts';
import { derToPem } from '../identity/pem.ts';
import type { SpiffeId } from '../identity/spiffe-id.ts';
import type { Kubernetes } from '../kubernetes/kubernetes.ts';
import { BACKEND_ANNOTATION } from '../kubernetes/mesh-signer.ts';
import { findCondition, type SigningRequest, signingRequestPath } from '../kubernetes/signing-request.ts';
import type { Log } from '../log.ts';
import type { Authorities, Authority } from './authorities.ts';
import { type Denial, judge } from './judge.ts';
import type { SignerSettings } from './settings.ts';

/** How a request ended; `waiting`: it did not yet, as its CA cannot sign now. */
export type Outcome =
  | { readonly kind: 'signed'; readonly backend: string }
  | { readonly kind: 'denied'; readonly reason: Denial; readonly message: string }
  | { readonly kind: 'waiting' };

export interface AnswerPorts {
  readonly kubernetes: Kubernetes;
  readonly authorities: Pick<Authorities, 'find'>;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Grants and signs a request, or denies it. Every write names the version that was judged, so that a request that changes
 * meanwhile, or that somebody else answers, is answered once.
 *
 * @throws AgentError when the API server cannot be told; 409: the request is another one by now.
 */
export async function answerRequest(
  request: SigningRequest,
  settings: SignerSettings,
  { kubernetes, authorities, clock, log }: AnswerPorts,
  signal: AbortSignal,
): Promise<Outcome> {
  const { name } = request.metadata;
  const requester = request.spec.username ?? '';

  async function deny(reason: Denial, message: string): Promise<Outcome> {
    log.warn('request denied', { request: name, requester, reason, message });
    // An approval is never taken back. Somebody else gave it, and we do not sign for it.
    const isApproved = findCondition(request, 'Approved') !== undefined;
    const [type, part] = isApproved ? (['Failed', 'status'] as const) : (['Denied', 'approval'] as const);
    await write(part, addCondition(request, type, reason, message));
    return { kind: 'denied', reason, message };
  }

  function write(part: 'approval' | 'status', changed: SigningRequest): Promise<SigningRequest> {
    return kubernetes.replace<SigningRequest>(signingRequestPath(name, part), changed, signal);
  }

  async function sign({ backend, ca }: Authority, csr: Buffer, spiffeId: SpiffeId): Promise<Outcome> {
    const ttlSeconds = Math.min(request.spec.expirationSeconds ?? backend.ttlSeconds, backend.ttlSeconds);
    const { chain } = await certify(ca, { csr, spiffeId: spiffeId.toString(), ttlSeconds }, clock.nowMs());
    const message = `${requester} is ${spiffeId}`;
    const approved =
      findCondition(request, 'Approved') === undefined
        ? await write('approval', addCondition(request, 'Approved', 'OwnIdentity', message))
        : request;
    const certificate = Buffer.from(chain.map((der) => derToPem('CERTIFICATE', der)).join('')).toString('base64');
    await write('status', { ...approved, status: { ...approved.status, certificate } });
    log.info('certificate signed', {
      request: name,
      requester,
      spiffeId: spiffeId.toString(),
      backend: backend.name,
      seconds: ttlSeconds,
    });
    return { kind: 'signed', backend: backend.name };
  }

  const verdict = judge(request.spec, settings);
  if (!verdict.isGranted) return deny(verdict.reason, verdict.message);
  const wanted = request.metadata.annotations?.[BACKEND_ANNOTATION] ?? settings.enabledBackend;
  if (!settings.backends.some((one) => one.name === wanted)) {
    const names = settings.backends.map((one) => one.name).join(', ');
    const which = wanted === undefined ? 'names no backend, and none of ours is enabled' : 'names no backend of ours';
    return deny('UnknownBackend', `the request ${which} (${names})`);
  }
  const authority = wanted === undefined ? undefined : authorities.find(wanted);
  if (authority === undefined) return { kind: 'waiting' };
  try {
    return await sign(authority, verdict.csr.der, verdict.spiffeId);
  } catch (thrown) {
    if (!(thrown instanceof AgentError) || thrown.detail !== 'request') throw thrown;
    return deny('RequestUnreadable', thrown.message);
  }
}

function addCondition(
  request: SigningRequest,
  type: 'Approved' | 'Denied' | 'Failed',
  reason: string,
  message: string,
): SigningRequest {
  const conditions = [...(request.status?.conditions ?? []), { type, status: 'True' as const, reason, message }];
  return { ...request, status: { ...request.status, conditions } };
}
