import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderKubernetesAuth, renderVaultMesh, type VaultMeshOptions } from './kong-mesh.ts';
import { runSetup } from './setup-vault.ts';
import type { SharedPeers } from './shared-peers.ts';
import { uniqueName } from './unique-name.ts';

export interface KubernetesMesh {
  readonly pki: string;
  readonly namespace: string;
  /** `auth/k8s-...`, of its own. */
  readonly mountPath: string;
  /** Of the auth mount. */
  readonly role: string;
  readonly tokenPath: string;
  /** Arguments that tell `setup vault` of the cluster. */
  readonly clusterArgs: readonly string[];
  render(changes?: Partial<VaultMeshOptions>): string;
  /** YAML of what stands under `auth`. */
  renderAuth(changes?: Partial<Parameters<typeof renderKubernetesAuth>[0]>): string;
}

/** A service account `web` in a namespace of its own with a projected token, and a Mesh that logs in with it. Vault knows nothing yet. */
export async function makeKubernetesMesh({ vault, cluster }: SharedPeers, directory: string): Promise<KubernetesMesh> {
  const namespace = uniqueName('shop');
  await cluster.createNamespace(namespace);
  for (const account of ['web', 'reviewer']) await cluster.createServiceAccount(namespace, account);
  await cluster.bindClusterRole('system:auth-delegator', namespace, 'reviewer');
  const write = async (name: string, account: string, audiences?: readonly string[]) => {
    const path = join(directory, uniqueName(name));
    const options = audiences === undefined ? {} : { audiences };
    writeFileSync(path, await cluster.createToken(namespace, account, options), { mode: 0o600 });
    return path;
  };
  const [tokenPath, reviewerFile] = [await write('token', 'web', ['vault']), await write('reviewer', 'reviewer')];
  const pki = uniqueName('pki');
  const mountPath = `auth/${uniqueName('k8s')}`;
  const role = 'web';
  const renderAuth: KubernetesMesh['renderAuth'] = (changes) =>
    renderKubernetesAuth({ role, tokenPath, audience: 'vault', mountPath: `/v1/${mountPath}`, ...changes });
  return {
    pki,
    namespace,
    mountPath,
    role,
    tokenPath,
    clusterArgs: [
      ...['--kubernetes-host', cluster.url],
      ...['--kubernetes-ca', cluster.caFile],
      ...['--reviewer-token', reviewerFile],
    ],
    renderAuth,
    render: (changes) => renderVaultMesh({ address: vault.address, pki, auth: renderAuth(), ...changes }),
  };
}

/** The same, and Vault set up for it by `setup vault --apply`. */
export async function setUpKubernetesMesh(peers: SharedPeers, directory: string): Promise<KubernetesMesh> {
  const mesh = await makeKubernetesMesh(peers, directory);
  const args = ['--apply', ...mesh.clusterArgs];
  const { code, out, error } = await runSetup(peers.vault, { directory, mesh: mesh.render(), args });
  if (code !== 0) throw new Error(`setup ended with ${code}: ${out}${error}`);
  return mesh;
}
