import { AgentError } from '../errors.ts';
import { CONTAINERS, IDENTITY_VOLUME, PREFIX } from './names.ts';
import type { Draft } from './patch.ts';
import type { Container, Pod } from './pod.ts';
import type { Wishes } from './read-wishes.ts';

/**
 * Mounts what is delivered, read-only, in every container of the pod's own that does not have it yet.
 *
 * @throws AgentError `ERR_CONFIG` when there is another volume in that place.
 */
export function mountIdentity({ spec }: Pod, { mountPath, outputs }: Wishes, draft: Draft): void {
  for (const list of ['initContainers', 'containers'] as const) {
    (spec[list] ?? []).forEach((container, index) => {
      if (CONTAINERS.includes(container.name)) return;
      const path = ['spec', list, index] as const;
      if (needsMount(container, mountPath)) {
        draft.append([...path, 'volumeMounts'], { name: IDENTITY_VOLUME, mountPath, readOnly: true });
      }
      if (outputs.has('workload-api') && !container.env?.some(({ name }) => name === SPIFFE_VARIABLE)) {
        draft.append([...path, 'env'], { name: SPIFFE_VARIABLE, value: `unix://${mountPath}/workload.sock` });
      }
    });
  }
}

/** By which SPIFFE libraries find the Workload API (SPIFFE Workload Endpoint, 4). */
const SPIFFE_VARIABLE = 'SPIFFE_ENDPOINT_SOCKET';

function needsMount({ name, volumeMounts }: Container, mountPath: string): boolean {
  const found = volumeMounts?.find((mount) => mount.mountPath.replace(/\/$/, '') === mountPath);
  if (found === undefined) return true;
  if (found.name === IDENTITY_VOLUME) return false;
  throw refuse(
    `the container "${name}" has the volume "${found.name}" at ${mountPath}, where the certificate goes`,
    `set the annotation ${PREFIX}mount-path to another path, or ${PREFIX}volume: ${found.name} to have it there`,
  );
}

/** @throws AgentError `ERR_CONFIG` unless the pod has an emptyDir of that name. */
export function requireEmptyDir({ spec }: Pod, name: string): void {
  const volume = spec.volumes?.find((one) => one.name === name);
  if (volume !== undefined && 'emptyDir' in volume) return;
  const why = volume === undefined ? 'the pod has no volume of that name' : 'it is no emptyDir';
  throw refuse(`the annotation ${PREFIX}volume cannot be used: "${name}": ${why}`);
}

function refuse(message: string, remedy?: string): AgentError {
  return new AgentError('ERR_CONFIG', message, remedy === undefined ? {} : { remedy });
}
