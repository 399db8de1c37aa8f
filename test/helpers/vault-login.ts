import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { VaultAuth } from '../../src/issuer/vault/config.ts';
import type { TokenOptions } from './kube-client.ts';
import { createKubernetesRole } from './kubernetes-auth.ts';
import type { SharedPeers } from './shared-peers.ts';
import { uniqueName } from './unique-name.ts';

export interface Workload {
  readonly namespace: string;
  readonly serviceAccount: string;
  /** Name of the auth role. */
  readonly role: string;
  readonly tokenPath: string;
  readonly jwt: string;
  readonly auth: Extract<VaultAuth, { method: 'kubernetes' }>;
}

export interface WorkloadOptions extends TokenOptions {
  /** Where its token is to lie. */
  readonly directory: string;
  readonly policies: readonly string[];
  /** That the auth role demands. */
  readonly roleAudience?: string;
  /** Default `kubernetes`. */
  readonly mount?: string;
}

/** A service account in a namespace of its own with a projected token, and an auth role for it at `auth/<mount>`. */
export async function createWorkload({ vault, cluster }: SharedPeers, options: WorkloadOptions): Promise<Workload> {
  const { directory, policies, roleAudience, mount = 'kubernetes', ...token } = options;
  const namespace = uniqueName('demo');
  const role = uniqueName('web');
  const serviceAccount = 'web';
  await cluster.createNamespace(namespace);
  await cluster.createServiceAccount(namespace, serviceAccount);
  await createKubernetesRole(vault, {
    role,
    namespace,
    serviceAccount,
    policies,
    mount,
    ...(roleAudience !== undefined && { audience: roleAudience }),
  });
  const jwt = await cluster.createToken(namespace, serviceAccount, token);
  const tokenPath = join(directory, uniqueName('token'));
  writeFileSync(tokenPath, `${jwt}\n`, { mode: 0o600 });
  const auth = { method: 'kubernetes', role, mountPath: `auth/${mount}`, tokenPath } as const;
  return { namespace, serviceAccount, role, tokenPath, jwt, auth };
}
