import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KubernetesAccess } from '../../src/kubernetes/access.ts';
import type { Cluster } from './kube-client.ts';
import { uniqueName } from './unique-name.ts';

/** A service account without any right but what `grant` gives it, and what the kubelet would mount for it. */
export interface ServiceAccount {
  readonly namespace: string;
  readonly name: string;
  readonly access: Extract<KubernetesAccess, { kind: 'pod' }>;
  /** Writes a kubeconfig with the same token in a file beside it, and returns its path. */
  writeKubeconfig(): string;
  /** A Role of its own for these rules, bound to it. */
  grant(rules: readonly Rule[]): Promise<void>;
}

export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

/** @param options.namespace default: a new one. */
export async function makeServiceAccount(
  cluster: Cluster,
  directory: string,
  { namespace, name = 'web' }: { namespace?: string; name?: string } = {},
): Promise<ServiceAccount> {
  const home = namespace ?? uniqueName('demo');
  if (namespace === undefined) await cluster.createNamespace(home);
  await cluster.createServiceAccount(home, name);
  const mounted = join(directory, `${home}-${name}`);
  mkdirSync(mounted, { recursive: true });
  writeFileSync(join(mounted, 'token'), await cluster.createToken(home, name), { mode: 0o600 });
  writeFileSync(join(mounted, 'ca.crt'), cluster.caPem);
  writeFileSync(join(mounted, 'namespace'), home);
  return {
    namespace: home,
    name,
    access: { kind: 'pod', address: cluster.url, directory: mounted },
    writeKubeconfig() {
      const path = join(mounted, 'kubeconfig');
      const config = renderKubeconfig(cluster, { namespace: home, user: { tokenFile: 'token' } });
      writeFileSync(path, config, { mode: 0o600 });
      return path;
    },
    async grant(rules) {
      const role = uniqueName('role');
      await expectMade(cluster, `${rbac(home)}/roles`, { metadata: { name: role }, rules });
      await expectMade(cluster, `${rbac(home)}/rolebindings`, {
        metadata: { name: role },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: role },
        subjects: [{ kind: 'ServiceAccount', namespace: home, name }],
      });
    },
  };
}

/** A kubeconfig of the administrator, for programs that take nothing else. */
export function renderAdminKubeconfig(cluster: Cluster): string {
  return renderKubeconfig(cluster, { namespace: 'default', user: { token: cluster.adminToken } });
}

/** @param options.user `token`, or `tokenFile` from the kubeconfig's folder. */
export function renderKubeconfig(cluster: Cluster, { namespace, user }: { namespace: string; user: object }): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    clusters: [{ name: 'test', cluster: { server: cluster.url, 'certificate-authority': cluster.caFile } }],
    users: [{ name: 'test', user }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test', namespace } }],
  });
}

function rbac(namespace: string): string {
  return `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
}

async function expectMade(cluster: Cluster, path: string, body: unknown): Promise<void> {
  const { status, body: answer } = await cluster.api('POST', path, body);
  if (status >= 300) throw new Error(`POST ${path}: ${status} ${JSON.stringify(answer)}`);
}
