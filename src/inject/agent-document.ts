import type { Config } from '../config/config.ts';
import { AgentError } from '../errors.ts';
import { ADMIN_DIRECTORY, PREFIX, type WishName } from './names.ts';
import type { Namespace, Pod } from './pod.ts';
import type { Wishes } from './read-wishes.ts';
import type { MeshDocuments } from './settings.ts';

/** The configuration of the agent of one pod. */
export interface AgentConfiguration {
  /** Its Agent document. */
  readonly document: object;
  /** As the agent will read it. */
  readonly config: Config;
}

/** Where a mistake in the document comes from. */
const ANNOTATION_OF: Readonly<Record<string, WishName>> = {
  mesh: 'mesh',
  service: 'service',
  backend: 'backend',
  allow: 'allow',
  'rotation.expiration': 'expiration',
  'deliver.files': 'mount-path',
};

/**
 * The Agent document of one pod, read as its agent will read it.
 *
 * @param group numeric; may read the key and connect to the sockets.
 * @throws AgentError `ERR_CONFIG` for the first mistake, named by the annotation that it comes from.
 */
export function configureAgent(
  { pod, namespace, wishes, group }: { pod: Pod; namespace: Namespace; wishes: Wishes; group: number },
  meshes: MeshDocuments,
): AgentConfiguration {
  const serviceAccount = pod.spec.serviceAccountName ?? 'default';
  const document = writeDocument(wishes, wishes.service ?? nameService(serviceAccount), group, meshes.agent);
  const name = pod.metadata?.name ?? `${pod.metadata?.generateName ?? 'pod-'}x`;
  const environment = { POD_NAME: name, POD_NAMESPACE: namespace.name, SERVICE_ACCOUNT: serviceAccount };
  const { config, problems } = meshes.load(document, environment);
  if (config !== undefined) return { document, config };
  const [problem] = problems.filter(({ severity }) => severity === 'error');
  const { key = '', message = 'it cannot be read', hint } = problem ?? {};
  const annotation = Object.entries(ANNOTATION_OF).find(([prefix]) => key.startsWith(prefix))?.[1];
  const where = annotation === undefined ? `the configuration of the agent at ${key}` : `${PREFIX}${annotation}`;
  throw new AgentError('ERR_CONFIG', `${where}: ${message}`, hint === undefined ? {} : { remedy: hint });
}

/** Every namespace has the service account `default`, so that it names nothing. */
function nameService(serviceAccount: string): string {
  if (serviceAccount !== 'default') return serviceAccount;
  throw new AgentError('ERR_CONFIG', 'nothing says which service the pod belongs to', {
    remedy: `set the annotation ${PREFIX}service, the label app.kubernetes.io/name or app, or a service account`,
  });
}

function writeDocument(wishes: Wishes, service: string, group: number, common: MeshDocuments['agent']): object {
  const { mesh, backend, expiration, allow, outputs, mountPath, telemetryPort } = wishes;
  const socket = (name: string) => ({ socket: `${mountPath}/${name}.sock`, mode: '0660', group });
  const rotation = { ...(common.rotation as object | undefined), ...(expiration !== undefined && { expiration }) };
  return {
    type: 'Agent',
    ...common,
    ...(mesh !== undefined && { mesh }),
    service,
    ...(backend !== undefined && { backend }),
    ...(allow !== undefined && { allow }),
    ...(Object.keys(rotation).length > 0 && { rotation }),
    deliver: {
      ...(outputs.has('files') && { files: [{ directory: mountPath, keyMode: '0640', group }] }),
      ...(outputs.has('sds') && { sds: socket('sds') }),
      ...(outputs.has('workload-api') && { workloadApi: socket('workload') }),
    },
    telemetry: { address: `0.0.0.0:${telemetryPort}` },
    admin: { socket: `${ADMIN_DIRECTORY}/admin.sock` },
  };
}
