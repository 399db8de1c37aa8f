import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { findKubernetesAccess, type KubernetesAccess } from '../kubernetes/access.ts';
import type { Edge } from './edge.ts';

/**
 * The way to the API server of the person at the keyboard, found as kubectl does: the named kubeconfig, KUBECONFIG,
 * `~/.kube/config`, the pod's service account.
 */
export function findAdminAccess(
  named: string | undefined,
  { environment, currentDirectory }: Pick<Edge, 'environment' | 'currentDirectory'>,
): KubernetesAccess | undefined {
  if (named !== undefined) return { kind: 'kubeconfig', paths: [resolve(currentDirectory, named)] };
  const usual = join(environment.HOME ?? '/', '.kube', 'config');
  const isSet = (environment.KUBECONFIG ?? '') !== '';
  if (!isSet && existsSync(usual)) return { kind: 'kubeconfig', paths: [usual] };
  return findKubernetesAccess(environment);
}
