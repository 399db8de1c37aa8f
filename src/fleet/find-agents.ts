import { AGENT, INJECTED_LABEL, METRICS_PORT } from '../inject/names.ts';
import type { Kubernetes } from '../kubernetes/kubernetes.ts';
import type { KubernetesObject } from '../kubernetes/objects.ts';
import { makePath } from '../kubernetes/paths.ts';

/** An agent in a pod. */
export interface PodAgent {
  readonly namespace: string;
  readonly pod: string;
  /** Of its telemetry. */
  readonly port: number;
  /** Why it cannot answer now, as far as the pod tells. */
  readonly absent: string | undefined;
}

export interface FleetQuery {
  /** Undefined: all that there are. */
  readonly namespace: string | undefined;
  /** A label selector of pods. Undefined: those that were injected. */
  readonly selector: string | undefined;
}

/** As much of a pod as is looked at. */
interface Pod extends KubernetesObject {
  readonly spec: { readonly containers: readonly Container[]; readonly initContainers?: readonly Container[] };
  readonly status?: { readonly phase?: string; readonly podIP?: string };
}

interface Container {
  readonly name: string;
  readonly restartPolicy?: string;
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[];
}

const DEFAULT_PORT = 9902;

/**
 * The pods with an agent that stays: a container, or a native sidecar, of its name. One that was written by hand is found
 * by a selector of its own labels. Pods that have ended are left out.
 *
 * @throws AgentError of the API server.
 */
export async function findAgents(
  kubernetes: Pick<Kubernetes, 'list'>,
  { namespace, selector = INJECTED_LABEL }: FleetQuery,
  signal: AbortSignal,
): Promise<readonly PodAgent[]> {
  const path = makePath({ group: '', version: 'v1', resource: 'pods', namespace });
  const { items } = await kubernetes.list<Pod>(path, { labelSelector: selector }, signal);
  return items.flatMap((pod) => describePod(pod) ?? []);
}

function describePod({ metadata, spec, status = {} }: Pod): PodAgent | undefined {
  const { phase = 'Pending', podIP } = status;
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  const agent = [...sidecars, ...spec.containers].find(({ name }) => name === AGENT);
  if (agent === undefined || phase === 'Succeeded' || phase === 'Failed') return undefined;
  const port = agent.ports?.find(({ name }) => name === METRICS_PORT) ?? agent.ports?.[0];
  return {
    namespace: metadata.namespace ?? '',
    pod: metadata.name ?? '',
    port: port?.containerPort ?? DEFAULT_PORT,
    absent: podIP === undefined || podIP === '' ? `the pod is ${phase} and has no address yet` : undefined,
  };
}
