import type { SigningRequestSpec } from '../kubernetes/signing-request.ts';

/** A workload, as the API server knows it. */
export interface Requester {
  readonly namespace: string;
  readonly serviceAccount: string;
  /** Undefined: its token is bound to no pod. */
  readonly pod: string | undefined;
}

/** Namespaces are labels of DNS, service accounts subdomains: neither holds a colon or a slash. */
const USERNAME = /^system:serviceaccount:([a-z0-9](?:[a-z0-9-]*[a-z0-9])?):([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)$/;

/** What the API server says of tokens that are bound to a pod. */
const POD_NAME = 'authentication.kubernetes.io/pod-name';

/**
 * Who made a request, by nothing but what the API server recorded when it was made.
 *
 * @returns undefined when that was no service account. A name alone is not enough, as other ways to log in may give any
 *   name: the groups have to be those that come with it.
 */
export function readRequester({
  username = '',
  groups = [],
  extra = {},
}: Pick<SigningRequestSpec, 'username' | 'groups' | 'extra'>): Requester | undefined {
  const [, namespace, serviceAccount] = USERNAME.exec(username) ?? [];
  if (namespace === undefined || serviceAccount === undefined) return undefined;
  const own = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`];
  if (!own.every((group) => groups.includes(group))) return undefined;
  const pods = extra[POD_NAME] ?? [];
  return { namespace, serviceAccount, pod: pods.length === 1 ? pods[0] : undefined };
}
