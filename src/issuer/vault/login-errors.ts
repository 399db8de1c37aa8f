import { AgentError } from '../../errors.ts';
import type { VaultAnswer } from './client.ts';
import { explainStatus } from './status-errors.ts';

/** The login that was refused. */
export interface LoginAttempt {
  readonly address: string;
  /** `auth/kubernetes` */
  readonly mountPath: string;
  readonly role: string;
  /** Whose token it was: `namespace/name`. */
  readonly owner: string;
  /** The audiences in the token. */
  readonly audiences: readonly string[];
}

interface Refusal {
  /** What the Kubernetes plugin says (its path_login.go and token_review.go). */
  readonly pattern: RegExp;
  readonly explain: (attempt: LoginAttempt) => { readonly why: string; readonly remedy: string };
}

const REFUSALS: readonly Refusal[] = [
  {
    pattern: /invalid role name/,
    explain: ({ role, mountPath }) => ({
      why: `there is no role "${role}" in ${mountPath}`,
      remedy: `set auth.kubernetes.role to one of: vault list ${mountPath}/role`,
    }),
  },
  {
    pattern: /service account name not authorized/,
    explain: ({ role, mountPath, owner }) => ({
      why: `the role "${role}" is not for the service account ${owner}`,
      remedy: `add its name: vault write ${mountPath}/role/${role} bound_service_account_names=...`,
    }),
  },
  {
    pattern: /namespace not authorized/,
    explain: ({ role, mountPath, owner }) => ({
      why: `the role "${role}" is not for the namespace of ${owner}`,
      remedy: `add it: vault write ${mountPath}/role/${role} bound_service_account_namespaces=...`,
    }),
  },
  {
    pattern: /audience/,
    explain: ({ role, mountPath, audiences }) => ({
      why: `the role "${role}" wants another audience than the token has (${audiences.join(', ') || 'none'})`,
      remedy: `project the token with the audience shown by: vault read ${mountPath}/role/${role}`,
    }),
  },
  {
    pattern: /invalid (expiration|not before|issued at) time/,
    explain: ({ owner }) => ({
      why: `by its clock, the token of ${owner} is not valid now`,
      remedy: 'compare the clocks of Vault and of this machine, and check that the kubelet renews the token',
    }),
  },
  {
    pattern: /could not load backend configuration/,
    explain: ({ mountPath }) => ({
      why: `${mountPath} has not been told of a cluster yet`,
      remedy: `run: vault write ${mountPath}/config kubernetes_host=...`,
    }),
  },
  {
    pattern: /permission denied/,
    explain: ({ mountPath, owner }) => ({
      why: `${mountPath} does not believe the token of ${owner}, or cannot have it reviewed, or is not there`,
      remedy:
        `check that ${mountPath} exists (vault auth list), that the service account does, that Vault reaches the API of ` +
        `this cluster (vault read ${mountPath}/config), and that its token_reviewer_jwt, or without one this service ` +
        'account, has the ClusterRole system:auth-delegator',
    }),
  },
];

/** A login that Vault answered with no, in words. */
export function explainLoginRefusal(answer: VaultAnswer, attempt: LoginAttempt): AgentError {
  const { address, mountPath } = attempt;
  if (answer.status === 404) {
    return new AgentError('ERR_LOGIN_DENIED', `Vault at ${address} has no auth method at ${mountPath}`, {
      remedy: 'set auth.kubernetes.mountPath to one of: vault auth list',
    });
  }
  const refusal = REFUSALS.find(({ pattern }) => pattern.test(answer.complaint));
  if (refusal === undefined || (answer.status >= 300 && answer.status < 400)) {
    return explainStatus(answer, address, 'logging in');
  }
  const { why, remedy } = refusal.explain(attempt);
  return new AgentError('ERR_LOGIN_DENIED', `Vault at ${address} refuses the login: ${why}`, { remedy });
}
