import { AgentError } from '../errors.ts';
import { renderSpiffeId, type SpiffeId } from '../identity/spiffe-id.ts';
import { IDENTITY_TEMPLATE } from '../kubernetes/mesh-signer.ts';
import type { Requester } from './requester.ts';

export interface IdentityTemplate {
  /** Whether only requesters with a token that is bound to a pod can have an identity. */
  readonly needsPod: boolean;
  /** The one identity of a requester. @param requester with a pod, where that is needed. */
  render(requester: Requester): SpiffeId;
}

const PROVABLE = ['{namespace}', '{serviceAccount}', '{service}', '{pod}'];

/**
 * A path template of which every part is proven by what the API server records, and that gives no two service accounts
 * the same identity. `{service}` is the name of the service account.
 *
 * @param isOneNamespace whether all requesters are of one namespace: then it may be left out.
 * @throws AgentError `ERR_CONFIG` for any other template.
 */
export function readIdentityTemplate(trustDomain: string, template: string, isOneNamespace: boolean): IdentityTemplate {
  const found: string[] = template.match(/\{[^{}]*\}/g) ?? [];
  const unknown = found.find((placeholder) => !PROVABLE.includes(placeholder));
  if (unknown !== undefined) {
    throw refuse(template, `nothing that the API server records proves ${unknown}`, `use ${PROVABLE.join(', ')}`);
  }
  const crowded = template.split('/').find((segment) => (segment.match(/\{/g)?.length ?? 0) > 1);
  if (crowded !== undefined) {
    const why = `two placeholders in the segment "${crowded}" could give two service accounts one identity`;
    throw refuse(template, why, 'divide them by "/"');
  }
  if (!found.includes('{serviceAccount}') && !found.includes('{service}')) {
    throw refuse(template, 'all service accounts would have one identity', `use ${IDENTITY_TEMPLATE}`);
  }
  if (!found.includes('{namespace}') && !isOneNamespace) {
    const why = 'service accounts of one name in two namespaces would have one identity';
    throw refuse(template, why, `use ${IDENTITY_TEMPLATE}, or allow one namespace only`);
  }
  const render: IdentityTemplate['render'] = ({ serviceAccount, namespace, pod }) =>
    renderSpiffeId(trustDomain, template, { service: serviceAccount, serviceAccount, namespace, pod, tags: {} });
  render({ namespace: 'n', serviceAccount: 's', pod: 'p' });
  return { needsPod: found.includes('{pod}'), render };
}

function refuse(template: string, why: string, remedy: string): AgentError {
  return new AgentError('ERR_CONFIG', `the signer cannot use the template "${template}": ${why}`, { remedy });
}
