import { join } from 'node:path';
import type { Test } from 'tap';
import { startKubeApiserver } from './kube-apiserver.ts';
import { startPodNetwork } from './pod-network.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** A kube-apiserver of the test's own that reaches pods and Services, for what concerns all namespaces of a cluster. */
export async function startPodCluster(t: Pick<Test, 'testdir' | 'teardown'>) {
  const directory = temporaryDirectory(t);
  const network = await startPodNetwork(directory);
  t.teardown(() => network.close());
  const cluster = await startKubeApiserver({ directory: join(directory, 'cluster'), podNetwork: network.socket });
  t.teardown(() => cluster.stop());
  return { directory, network, cluster };
}
