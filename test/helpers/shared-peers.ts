import { mkdirSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { startKubeApiserver } from './kube-apiserver.ts';
import { type Cluster, type ClusterAddress, kubeClient } from './kube-client.ts';
import { configureKubernetesAuth } from './kubernetes-auth.ts';
import { startVault } from './vault.ts';
import { type Vault, type VaultAddress, vaultClient } from './vault-client.ts';

/** Name of the environment variable in which `scripts/test.mjs` hands the addresses of the peers that it started. */
export const SHARED_PEERS_VARIABLE = 'MESHCERT_TEST_PEERS';

/**
 * One Vault and one cluster for all test files; Vault's Kubernetes auth at `auth/kubernetes` trusts the cluster. Each test
 * makes mounts, policies and namespaces of its own under a `uniqueName`, and seals and stops nothing.
 */
export interface SharedPeers {
  readonly vault: Vault;
  readonly cluster: Cluster;
}

interface SharedPeerAddresses {
  readonly vault: VaultAddress;
  readonly cluster: ClusterAddress;
}

/** The peers that `scripts/test.mjs` started, or, where a test file is run by itself, some that live as long as the test. */
export async function sharedPeers(t: Pick<Test, 'testdir' | 'teardown'>): Promise<SharedPeers> {
  const handed = process.env[SHARED_PEERS_VARIABLE];
  if (handed === undefined) {
    const started = await startSharedPeers();
    t.teardown(() => started.stop());
    return started;
  }
  const { vault, cluster } = JSON.parse(handed) as SharedPeerAddresses;
  const directory = mkdtempSync(join(tmpdir(), 'meshcert-vault-cli-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  return { vault: vaultClient(vault, directory), cluster: kubeClient(cluster) };
}

export interface StartedPeers extends SharedPeers {
  /** The value of {@link SHARED_PEERS_VARIABLE}. */
  readonly addresses: string;
  /** Logs and data; removed by `stop`. */
  readonly directory: string;
  stop(): Promise<void>;
}

export async function startSharedPeers(): Promise<StartedPeers> {
  const directory = mkdtempSync(join(tmpdir(), 'meshcert-peers-'));
  const [vault, cluster] = await Promise.all([
    startVault({ directory: makeDirectory(directory, 'vault') }),
    startKubeApiserver({ directory: makeDirectory(directory, 'cluster') }),
  ]);
  const stop = async () => {
    await Promise.all([vault.stop(), cluster.stop()]);
    await rm(directory, { recursive: true, force: true });
  };
  await configureKubernetesAuth(vault, cluster);
  const { url, caPem, caFile, adminToken } = cluster;
  const addresses: SharedPeerAddresses = {
    vault: { address: vault.address, rootToken: vault.rootToken },
    cluster: { url, caPem, caFile, adminToken },
  };
  return { vault, cluster, addresses: JSON.stringify(addresses), directory, stop };
}

function makeDirectory(parent: string, name: string): string {
  const path = join(parent, name);
  mkdirSync(path);
  return path;
}
