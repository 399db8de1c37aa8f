/**
 * The Kubernetes API: a few verbs on paths, with the credentials of a pod or of a kubeconfig.
 *
 * @module
 */
import type { Clock } from '../clock.ts';
import { AgentError } from '../errors.ts';
import type { KubernetesAccess } from './access.ts';
import type { Cluster } from './credentials.ts';
import type { KubernetesObject, ObjectList } from './objects.ts';
import type { TokenClaims } from './token-claims.ts';
import type { WatchEvent } from './watch.ts';

export interface Selectors {
  /** `app=web,tier!=db`. */
  readonly labelSelector?: string;
  /** `metadata.name=web`. */
  readonly fieldSelector?: string;
}

/**
 * One API server, as one identity. Paths are those of `makePath`. Every call, but for a watch, ends within the time limit,
 * with the answer or with an AgentError: `ERR_CA_UNREACHABLE`, `ERR_CA_TLS`, `ERR_LOGIN_DENIED` (401), `ERR_CA_DENIED` (403,
 * with the rule to grant as its remedy), `ERR_CA_REFUSED`, `ERR_CA_THROTTLED`, `ERR_CA_UNAVAILABLE`, `ERR_CA_PROTOCOL`, and
 * `ERR_SOURCE` for credentials that cannot be read. `statusOf` tells 404, 409 and 422 apart.
 */
export interface Kubernetes {
  /** Base URL, for messages. */
  readonly address: string;
  /** The one that we live in: the pod's, or that of the kubeconfig's context, else `default`. */
  readonly namespace: string;
  /**
   * What the token of our service account tells of us, read anew; undefined outside of pods.
   *
   * @throws AgentError `ERR_SOURCE`
   */
  self(): TokenClaims | undefined;
  get<T = KubernetesObject>(path: string, signal: AbortSignal): Promise<T>;
  /** All of them, read in pages. */
  list<T extends KubernetesObject>(path: string, selectors: Selectors, signal: AbortSignal): Promise<ObjectList<T>>;
  /** @param path of all objects of the resource, or a subresource that is created (a review, a token). */
  create<T = KubernetesObject>(path: string, object: unknown, signal: AbortSignal): Promise<T>;
  /** Writes all of it; 409 when `metadata.resourceVersion` is no longer what is stored. */
  replace<T = KubernetesObject>(path: string, object: unknown, signal: AbortSignal): Promise<T>;
  /** A merge patch (RFC 7396): null removes a key, a list is replaced as a whole. */
  patch<T = KubernetesObject>(path: string, patch: unknown, signal: AbortSignal): Promise<T>;
  /**
   * Server-side apply: makes the object, or makes those of its fields so that are given. 409 when another manager owns
   * one that would change, unless it is forced.
   */
  apply<T = KubernetesObject>(path: string, object: unknown, options: ApplyOptions, signal: AbortSignal): Promise<T>;
  /** What is gone already is fine. */
  delete(path: string, signal: AbortSignal): Promise<void>;
  /**
   * Follows the objects of a resource until the signal is aborted, through ended streams, cut connections and restarts of
   * the server. Begins with what is there. Needs `list` and `watch`.
   */
  watch<T extends KubernetesObject>(
    path: string,
    options: WatchOptions,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent<T>>;
  /**
   * Follows one object in the same way. Needs `get` and `watch`, of the resource or of that name.
   *
   * @param path of all objects of the resource.
   * @throws as `watch`; with the status 404 when there is none at first.
   */
  follow<T extends KubernetesObject>(
    path: string,
    name: string,
    options: FollowOptions,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent<T>>;
  /** Ends connections, and whatever still uses them. */
  close(): void;
}

export interface ApplyOptions {
  /** Who we are to other writers of the object. */
  readonly fieldManager: string;
  readonly force?: boolean;
}

export interface FollowOptions {
  /** Is told of every failure that the watch survives by asking again. */
  readonly troubled?: (error: AgentError) => void;
}

export interface WatchOptions extends Selectors, FollowOptions {}

export interface KubernetesPorts {
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
}

const DEFAULT_LIMIT_MS = 10_000;

/**
 * Opens no connection yet. Loads client-node only for a kubeconfig.
 *
 * @param options.access undefined: there is none, which is an error.
 * @param options.limitMs of one call. Default 10,000.
 * @throws AgentError `ERR_SOURCE` when the namespace or the kubeconfig cannot be read.
 */
export async function openKubernetes(
  { access, limitMs = DEFAULT_LIMIT_MS }: { access: KubernetesAccess | undefined; limitMs?: number },
  ports: KubernetesPorts,
): Promise<Kubernetes> {
  const cluster = await openCluster(access);
  // Everybody who may need it gets this file, and only who does the rest.
  const { bindVerbs } = await import('./verbs.ts');
  return bindVerbs(cluster, limitMs, ports);
}

async function openCluster(access: KubernetesAccess | undefined): Promise<Cluster> {
  if (access?.kind === 'pod') return (await import('./pod.ts')).openPod(access);
  if (access?.kind === 'kubeconfig') return (await import('./kubeconfig.ts')).openKubeconfig(access.paths);
  throw new AgentError('ERR_SOURCE', 'there is no way to a Kubernetes API: this is no pod, and KUBECONFIG is not set', {
    remedy: 'run it in a pod, or set KUBECONFIG',
  });
}
