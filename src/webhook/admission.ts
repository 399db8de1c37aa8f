/**
 * AdmissionReview, `admission.k8s.io/v1` (Kubernetes, "Dynamic Admission Control"): what the API server asks before it
 * stores a pod, and what it is answered. Nothing is done besides, so that a dry run needs no other answer.
 *
 * @module
 */
import { AgentError } from '../errors.ts';
import type { Injection } from '../inject/inject-pod.ts';
import { renderPatch } from '../inject/patch.ts';
import { isMapping, type Namespace } from '../inject/pod.ts';

/** Becomes the label of a metric. */
export type AdmissionOutcome = 'injected' | 'unchanged' | 'refused' | 'failed' | 'malformed';

export interface AdmissionAnswer {
  readonly outcome: AdmissionOutcome;
  /** Of HTTP. */
  readonly status: number;
  readonly type: 'application/json' | 'text/plain; charset=utf-8';
  readonly body: string;
  /** For the log: which pod, and why not. */
  readonly facts: Readonly<Record<string, string>>;
}

export interface AdmissionPorts {
  /** @throws AgentError */
  readonly readNamespace: (name: string) => Promise<Namespace>;
  /** @throws AgentError `ERR_CONFIG`: a refusal. */
  readonly inject: (pod: unknown, namespace: Namespace) => Injection;
}

interface Request {
  readonly uid: string;
  readonly namespace: string;
  readonly object: Record<string, unknown>;
  /** Whether it is a pod that is made; there is nothing to do with anything else. */
  readonly isNewPod: boolean;
}

const VERSION = 'admission.k8s.io/v1';

/** Answers whatever it is asked; never throws. @param text the body of the request. */
export async function answerAdmission(text: string, ports: AdmissionPorts): Promise<AdmissionAnswer> {
  let request: Request;
  try {
    request = readReview(text);
  } catch (thrown) {
    return say('malformed', 400, AgentError.from(thrown).line, {});
  }
  const { uid, namespace, object, isNewPod } = request;
  const facts = { namespace, pod: namePod(object) };
  const respond = (outcome: AdmissionOutcome, response: object, more = {}): AdmissionAnswer => ({
    outcome,
    status: 200,
    type: 'application/json',
    body: JSON.stringify({ apiVersion: VERSION, kind: 'AdmissionReview', response: { uid, ...response } }),
    facts: { ...facts, ...more },
  });
  if (!isNewPod) return respond('unchanged', { allowed: true });
  try {
    const { operations, warnings } = ports.inject(object, await ports.readNamespace(namespace));
    if (operations.length === 0) return respond('unchanged', { allowed: true });
    const patch = Buffer.from(renderPatch(operations)).toString('base64');
    return respond('injected', { allowed: true, patchType: 'JSONPatch', patch, warnings });
  } catch (thrown) {
    const { code, line } = AgentError.from(thrown);
    // The API server then does what the failurePolicy says.
    if (code !== 'ERR_CONFIG') return say('failed', 500, line, { ...facts, error: line });
    const status = { status: 'Failure', code: 400, reason: 'BadRequest', message: line };
    return respond('refused', { allowed: false, status }, { error: line });
  }
}

function say(
  outcome: AdmissionOutcome,
  status: number,
  line: string,
  facts: AdmissionAnswer['facts'],
): AdmissionAnswer {
  return { outcome, status, type: 'text/plain; charset=utf-8', body: `${line}\n`, facts: { error: line, ...facts } };
}

/** @throws AgentError */
function readReview(text: string): Request {
  let review: unknown;
  try {
    review = JSON.parse(text);
  } catch {
    throw refuse('it is no JSON');
  }
  if (!isMapping(review) || review.kind !== 'AdmissionReview') throw refuse('its kind is another');
  if (review.apiVersion !== VERSION) throw refuse(`its apiVersion is not ${VERSION}`);
  const { request } = review;
  if (!isMapping(request)) throw refuse('there is no request');
  const { uid, namespace = '', object, kind, operation, subResource = '' } = request;
  if (typeof uid !== 'string' || uid === '') throw refuse('request.uid is missing');
  if (typeof namespace !== 'string' || typeof subResource !== 'string') throw refuse('request.namespace is no text');
  const isPod = isMapping(kind) && kind.group === '' && kind.kind === 'Pod' && subResource === '';
  const isNewPod = isPod && operation === 'CREATE';
  if (isNewPod && !isMapping(object)) throw refuse('request.object is missing');
  return { uid, namespace, object: isMapping(object) ? object : {}, isNewPod };
}

function namePod({ metadata }: Record<string, unknown>): string {
  const { name, generateName } = isMapping(metadata) ? metadata : {};
  return typeof name === 'string' ? name : `${typeof generateName === 'string' ? generateName : ''}*`;
}

function refuse(why: string): AgentError {
  return new AgentError('ERR_CONFIG', `this is no AdmissionReview that can be answered: ${why}`);
}
