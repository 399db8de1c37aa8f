import { AgentError } from '../../errors.ts';
import type { Kubernetes } from '../../kubernetes/kubernetes.ts';
import { statusOf } from '../../kubernetes/kubernetes-error.ts';
import type { Condition, KubernetesObject } from '../../kubernetes/objects.ts';
import { makePath } from '../../kubernetes/paths.ts';
import { CERT_MANAGER } from './certificate-request.ts';
import type { IssuerRef } from './config.ts';
import { nameIssuer } from './judge-request.ts';

/** An Issuer or ClusterIssuer. */
interface IssuerObject extends KubernetesObject {
  readonly status?: { readonly conditions?: readonly Condition[] };
}

/** Discovery, which every service account may read. */
const GROUP_PATH = `/apis/${CERT_MANAGER}/v1`;

/** Where one of cert-manager's own issuers is; undefined: it is another's, and its plural is not known. */
function findIssuerPath({ group, kind, name }: IssuerRef, namespace: string): string | undefined {
  if (group !== CERT_MANAGER) return undefined;
  const at = { group, version: 'v1' };
  if (kind === 'ClusterIssuer') return makePath({ ...at, resource: 'clusterissuers' }, name);
  return makePath({ ...at, resource: 'issuers', namespace }, name);
}

/** `hidden`: we may not look at it. `foreign`: it is not cert-manager's own. In both cases, its API is there. */
export type SeenIssuer = 'ready' | 'hidden' | 'foreign';

/**
 * Whether the issuer is ready, as far as we may see; else whether the API server answers, and has cert-manager's API.
 *
 * @throws AgentError
 */
export async function probeIssuer(
  kubernetes: Kubernetes,
  issuerRef: IssuerRef,
  signal: AbortSignal,
): Promise<SeenIssuer> {
  await kubernetes.get(GROUP_PATH, signal).catch((thrown: unknown) => {
    throw explainNoCertManager(thrown);
  });
  const path = findIssuerPath(issuerRef, kubernetes.namespace);
  if (path === undefined) return 'foreign';
  try {
    judgeIssuer(await kubernetes.get<IssuerObject>(path, signal), issuerRef);
    return 'ready';
  } catch (thrown) {
    // To be denied a look at the issuer is no illness of it.
    if (AgentError.from(thrown).code === 'ERR_CA_DENIED') return 'hidden';
    throw statusOf(thrown) === 404 ? explainUnknownIssuer(issuerRef, kubernetes.namespace) : thrown;
  }
}

/** @throws AgentError unless its condition Ready is true. */
function judgeIssuer({ status }: IssuerObject, issuerRef: IssuerRef): void {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  if (ready?.status === 'True') return;
  const said = ready?.message === undefined ? 'it tells no reason' : JSON.stringify(ready.message.slice(0, 300));
  throw new AgentError('ERR_CA_UNAVAILABLE', `${nameIssuer(issuerRef)} of cert-manager is not ready: ${said}`, {
    remedy: `see: kubectl describe ${issuerRef.kind.toLowerCase()} ${issuerRef.name}`,
    detail: 'issuer_not_ready',
    retry: 'slowly',
  });
}

function explainUnknownIssuer(issuerRef: IssuerRef, namespace: string): AgentError {
  const where = issuerRef.kind === 'Issuer' ? ` in the namespace "${namespace}"` : '';
  return new AgentError('ERR_CA_REFUSED', `cert-manager has no ${nameIssuer(issuerRef)}${where}`, {
    remedy: `set conf.issuerRef to one of: kubectl get issuers -n ${namespace}; kubectl get clusterissuers`,
    detail: 'unknown_issuer',
  });
}

/** A cluster without the resource says 404 for its path; so does one without our namespace, in words. */
export function explainNoCertManager(thrown: unknown): unknown {
  if (statusOf(thrown) !== 404 || /namespaces "[^"]*" not found/.test(AgentError.from(thrown).message)) return thrown;
  return new AgentError('ERR_CA_REFUSED', 'the cluster has no cert-manager: it does not know certificaterequests', {
    remedy: 'install cert-manager 1.3 or later, with its CRDs',
    detail: 'no_cert_manager',
    cause: thrown,
  });
}
