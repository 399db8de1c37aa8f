import type { Cluster } from './kube-client.ts';
import type { Vault } from './vault-client.ts';

const REVIEWER = 'vault-reviewer';

/**
 * Makes Vault trust the cluster's service accounts, at `auth/<mount>`: Vault asks the API server's TokenReview, as a
 * service account that may do just that.
 *
 * @param mount default `kubernetes`
 */
export async function configureKubernetesAuth(vault: Vault, cluster: Cluster, mount = 'kubernetes'): Promise<void> {
  const namespace = `${mount}-auth`;
  await cluster.createNamespace(namespace);
  await cluster.createServiceAccount(namespace, REVIEWER);
  await cluster.bindClusterRole('system:auth-delegator', namespace, REVIEWER);
  const [reviewerToken] = await Promise.all([
    cluster.createToken(namespace, REVIEWER, { expirationSeconds: 86_400 }),
    vault.cli(['auth', 'enable', `-path=${mount}`, 'kubernetes']),
  ]);
  await vault.cli([
    'write',
    `auth/${mount}/config`,
    `kubernetes_host=${cluster.url}`,
    `kubernetes_ca_cert=@${cluster.caFile}`,
    `token_reviewer_jwt=${reviewerToken}`,
    'disable_local_ca_jwt=true',
  ]);
}

export interface KubernetesRole {
  readonly role: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly policies: readonly string[];
  /** That the token has to be made for. Default: any. */
  readonly audience?: string;
  /** Life of the Vault token. Default: Vault's own. */
  readonly ttlSeconds?: number;
  /** Default `kubernetes`. */
  readonly mount?: string;
}

/** Lets a service account log in with a role. */
export async function createKubernetesRole(vault: Vault, options: KubernetesRole): Promise<void> {
  await vault.cli([
    'write',
    `auth/${options.mount ?? 'kubernetes'}/role/${options.role}`,
    `bound_service_account_names=${options.serviceAccount}`,
    `bound_service_account_namespaces=${options.namespace}`,
    `token_policies=${options.policies.join(',')}`,
    ...(options.audience === undefined ? [] : [`audience=${options.audience}`]),
    ...(options.ttlSeconds === undefined ? [] : [`token_ttl=${options.ttlSeconds}s`]),
  ]);
}
