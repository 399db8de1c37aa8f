import { systemClock } from '../clock.ts';
import { openDataSources, type ReadDataSource, type TellRead } from '../data-source.ts';
import { findKubernetesAccess } from '../kubernetes/access.ts';
import type { Edge } from './edge.ts';

/**
 * The sources of credentials that this process has: files and, where there is a way to a Kubernetes API, its Secrets.
 *
 * @param reading is told each path before it is read, and what was read there.
 */
export function openSources(
  secretsDirectory: string,
  { environment, random }: Pick<Edge, 'environment' | 'random'>,
  reading?: TellRead,
): ReadDataSource {
  const access = findKubernetesAccess(environment);
  if (access === undefined) return openDataSources(secretsDirectory, reading);
  return openDataSources(secretsDirectory, reading, async (name) => {
    const { readSecret } = await import('../kubernetes/read-secret.ts');
    return readSecret(name, access, { clock: systemClock, random });
  });
}
