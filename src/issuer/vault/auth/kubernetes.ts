import { AgentError } from '../../../errors.ts';
import type { IssuerContext } from '../../issuer.ts';
import type { VaultAuth } from '../config.ts';
import {
  checkServiceAccountToken,
  parseServiceAccountToken,
  type ServiceAccountToken,
} from '../service-account-token.ts';
import type { LoginRefusal, LoginRequest } from './login-request.ts';

type KubernetesAuth = Extract<VaultAuth, { method: 'kubernetes' }>;

/**
 * By the service account of the pod.
 *
 * @throws AgentError `ERR_SOURCE` for a token that cannot be read or has expired, `ERR_LOGIN_DENIED` for one that is for
 *   somebody else.
 */
export async function prepareKubernetesLogin(auth: KubernetesAuth, context: IssuerContext): Promise<LoginRequest> {
  const { role, tokenPath: path, audience } = auth;
  const serviceAccount = parseServiceAccountToken(await readTokenFile(path, context), path);
  const { jwt, expiresAtMs } = serviceAccount;
  if (expiresAtMs !== undefined) context.observer.credentialExpires('service_account_token', expiresAtMs);
  checkServiceAccountToken(serviceAccount, { path, audience, nowMs: context.clock.nowMs() });
  return { body: { role, jwt }, secrets: [jwt], refusals: listRefusals(auth, serviceAccount) };
}

async function readTokenFile(path: string, { readSource }: IssuerContext): Promise<string> {
  try {
    return await readSource({ kind: 'file', path });
  } catch (thrown) {
    const { message, cause } = AgentError.from(thrown);
    throw new AgentError('ERR_SOURCE', `no service-account token to log in with: ${message}`, {
      remedy: `project a serviceAccountToken volume to ${path}, readable for this process, or set auth.kubernetes.tokenPath`,
      cause,
    });
  }
}

/** What the Kubernetes plugin says (its path_login.go and token_review.go). */
function listRefusals(
  { role, mountPath }: Pick<KubernetesAuth, 'role' | 'mountPath'>,
  { owner, audiences }: Pick<ServiceAccountToken, 'owner' | 'audiences'>,
): LoginRefusal[] {
  return [
    {
      pattern: /invalid role name/,
      why: `there is no role "${role}" in ${mountPath}`,
      remedy: `set auth.kubernetes.role to one of: vault list ${mountPath}/role`,
    },
    {
      pattern: /service account name not authorized/,
      why: `the role "${role}" is not for the service account ${owner}`,
      remedy: `add its name: vault write ${mountPath}/role/${role} bound_service_account_names=...`,
    },
    {
      pattern: /namespace not authorized/,
      why: `the role "${role}" is not for the namespace of ${owner}`,
      remedy: `add it: vault write ${mountPath}/role/${role} bound_service_account_namespaces=...`,
    },
    {
      pattern: /audience/,
      why: `the role "${role}" wants another audience than the token has (${audiences.join(', ') || 'none'})`,
      remedy: `project the token with the audience shown by: vault read ${mountPath}/role/${role}`,
    },
    {
      pattern: /invalid (expiration|not before|issued at) time/,
      why: `by its clock, the token of ${owner} is not valid now`,
      remedy: 'compare the clocks of Vault and of this machine, and check that the kubelet renews the token',
    },
    {
      pattern: /could not load backend configuration/,
      why: `${mountPath} has not been told of a cluster yet`,
      remedy: `run: vault write ${mountPath}/config kubernetes_host=...`,
    },
    {
      pattern: /permission denied/,
      why: `${mountPath} does not believe the token of ${owner}, or cannot have it reviewed, or is not there`,
      remedy:
        `check that ${mountPath} exists (vault auth list), that the service account does, that Vault reaches the API of ` +
        `this cluster (vault read ${mountPath}/config), and that its token_reviewer_jwt, or without one this service ` +
        'account, has the ClusterRole system:auth-delegator',
    },
  ];
}
