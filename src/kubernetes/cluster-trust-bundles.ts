import type { Kubernetes } from './kubernetes.ts';
import { statusOf } from './kubernetes-error.ts';
import { makePath } from './paths.ts';

/** The API is in beta, and on its way out of it. */
const VERSIONS = ['v1', 'v1beta1'];

/**
 * The version of the API of ClusterTrustBundles that this API server has; undefined: none. By discovery, which everybody
 * may read: who asks for objects of an API that is not there is told of rights that are missing.
 *
 * @throws AgentError
 */
export async function findTrustBundleVersion(
  kubernetes: Pick<Kubernetes, 'get'>,
  signal: AbortSignal,
): Promise<string | undefined> {
  for (const version of VERSIONS) {
    try {
      const path = `/apis/certificates.k8s.io/${version}`;
      const { resources = [] } = await kubernetes.get<{ resources?: { name: string }[] }>(path, signal);
      if (resources.some(({ name }) => name === 'clustertrustbundles')) return version;
    } catch (thrown) {
      if (statusOf(thrown) !== 404) throw thrown;
    }
  }
  return undefined;
}

/** They have no namespace. */
export function trustBundlePath(version: string, name?: string): string {
  return makePath({ group: 'certificates.k8s.io', version, resource: 'clustertrustbundles' }, name);
}
