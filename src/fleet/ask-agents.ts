import type { Clock } from '../clock.ts';
import { AgentError } from '../errors.ts';
import type { KubernetesAccess } from '../kubernetes/access.ts';
import { openKubernetes } from '../kubernetes/kubernetes.ts';
import type { Status } from '../observe/status.ts';
import { explainSilence } from './explain-silence.ts';
import { type FleetQuery, findAgents, type PodAgent } from './find-agents.ts';
import { readStatus } from './read-status.ts';

/** What one agent said, or why it said nothing. */
export interface Answer extends Pick<PodAgent, 'namespace' | 'pod'> {
  readonly status: Status | undefined;
  /** One line; undefined when there is a status. */
  readonly failure: string | undefined;
}

export interface FleetOptions extends FleetQuery {
  readonly access: KubernetesAccess | undefined;
  /** For each agent, in milliseconds. */
  readonly timeoutMs: number;
}

/** The API server has one connection to each pod; so many at once are no burden to it, and thousands take seconds. */
const AT_ONCE = 32;

/**
 * The status of each agent of a cluster, read through the API server's proxy to pods: only it has to be reached from here.
 * Agents that cannot be asked are told with the reason.
 *
 * @throws AgentError when the pods cannot be listed.
 */
export async function askAgents(
  { access, timeoutMs, ...query }: FleetOptions,
  ports: { readonly clock: Clock; readonly random: () => number },
): Promise<readonly Answer[]> {
  const { signal } = new AbortController();
  const [lists, pods] = await Promise.all([
    openKubernetes({ access }, ports),
    openKubernetes({ access, limitMs: timeoutMs }, ports),
  ]);
  try {
    const agents = await findAgents(lists, query, signal).catch((thrown: unknown) => {
      throw query.namespace === undefined ? adviseNamespace(AgentError.from(thrown)) : thrown;
    });
    return await mapBounded(agents, AT_ONCE, async (agent) => {
      const { namespace, pod, absent } = agent;
      if (absent !== undefined) return { namespace, pod, status: undefined, failure: absent };
      try {
        const status = readStatus(await pods.get(makeProxyPath(agent), signal));
        return { namespace, pod, status, failure: undefined };
      } catch (thrown) {
        return { namespace, pod, status: undefined, failure: explainSilence(thrown, agent, timeoutMs) };
      }
    });
  } finally {
    lists.close();
    pods.close();
  }
}

/** https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/, "connect GET requests to proxy of Pod" */
function makeProxyPath({ namespace, pod, port }: PodAgent): string {
  return `/api/v1/namespaces/${namespace}/pods/${pod}:${port}/proxy/status`;
}

/** Who may not look at the whole cluster may often look at a part of it. */
function adviseNamespace(error: AgentError): AgentError {
  if (error.code !== 'ERR_CA_DENIED') return error;
  const remedy = [error.remedy ?? [], 'name a namespace with -n, or see: meshcert setup inspect'].flat().join('; ');
  return new AgentError(error.code, error.message, { remedy, cause: error });
}

/** In the order of the items; so many at a time. */
async function mapBounded<T, R>(items: readonly T[], limit: number, map: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const entries = items.entries();
  const work = async () => {
    for (const [index, item] of entries) results[index] = await map(item);
  };
  await Promise.all(Array.from({ length: limit }, work));
  return results;
}
