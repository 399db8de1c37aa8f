import type { Cluster } from './credentials.ts';
import type { FollowOptions, Kubernetes, KubernetesPorts, Selectors, WatchOptions } from './kubernetes.ts';
import { statusOf } from './kubernetes-error.ts';
import type { KubernetesObject } from './objects.ts';
import { openTransport, type Transport } from './transport.ts';
import { watchObjects } from './watch.ts';

const PAGE_SIZE = 500;
/** Servers end watches after 5 to 10 minutes; a stream that outlives what we asked for is dead. */
const WATCH_SECONDS = 290;
const WATCH_GRACE_MS = 30_000;

/** @param limitMs of one call. */
export function bindVerbs(cluster: Cluster, limitMs: number, ports: KubernetesPorts): Kubernetes {
  const transport = openTransport(cluster, limitMs);
  const send = async <T>(call: Parameters<Transport['send']>[0], signal: AbortSignal) =>
    (await transport.send(call, signal)) as T;

  async function list<T extends KubernetesObject>(path: string, selectors: Selectors, signal: AbortSignal) {
    const items: T[] = [];
    for (let token = ''; ; ) {
      const query = { ...pickSelectors(selectors), limit: String(PAGE_SIZE), ...(token !== '' && { continue: token }) };
      const page = await send<Page<T>>({ method: 'GET', path, query }, signal);
      items.push(...(page.items ?? []));
      token = page.metadata.continue ?? '';
      if (token === '') return { items, metadata: { resourceVersion: page.metadata.resourceVersion } };
    }
  }

  /** Lines from a version on. */
  const streamOf = (path: string, selectors: Selectors) => (resourceVersion: string, signal: AbortSignal) => {
    const query = {
      ...pickSelectors(selectors),
      watch: '1',
      allowWatchBookmarks: 'true',
      timeoutSeconds: String(WATCH_SECONDS),
      resourceVersion,
    };
    return transport.readLines({ method: 'GET', path, query }, WATCH_SECONDS * 1000 + WATCH_GRACE_MS, signal);
  };

  const withTrouble = (troubled: FollowOptions['troubled'] = () => undefined) => ({ ...ports, troubled });

  return {
    address: transport.address,
    namespace: cluster.namespace,
    self: cluster.readClaims,
    list,
    get: (path, signal) => send({ method: 'GET', path }, signal),
    create: (path, body, signal) => send({ method: 'POST', path, body }, signal),
    replace: (path, body, signal) => send({ method: 'PUT', path, body }, signal),
    patch: (path, body, signal) =>
      send({ method: 'PATCH', path, body, contentType: 'application/merge-patch+json' }, signal),
    apply: (path, body, { fieldManager, force = false }, signal) => {
      const query = { fieldManager, force: String(force) };
      // JSON is YAML.
      return send({ method: 'PATCH', path, body, query, contentType: 'application/apply-patch+yaml' }, signal);
    },
    async delete(path, signal) {
      await send({ method: 'DELETE', path }, signal).catch((thrown: unknown) => {
        if (statusOf(thrown) !== 404) throw thrown;
      });
    },
    watch: <T extends KubernetesObject>(path: string, { troubled, ...selectors }: WatchOptions, signal: AbortSignal) =>
      watchObjects<T>(
        { list: (within) => list<T>(path, selectors, within), readLines: streamOf(path, selectors) },
        withTrouble(troubled),
        signal,
      ),
    follow: <T extends KubernetesObject>(
      path: string,
      name: string,
      { troubled }: FollowOptions,
      signal: AbortSignal,
    ) =>
      watchObjects<T>(
        {
          async list(within) {
            const object = await send<T>({ method: 'GET', path: `${path}/${encodeURIComponent(name)}` }, within);
            return { items: [object], metadata: { resourceVersion: object.metadata.resourceVersion ?? '' } };
          },
          readLines: streamOf(path, { fieldSelector: `metadata.name=${name}` }),
        },
        withTrouble(troubled),
        signal,
      ),
    close: () => transport.close(),
  };
}

interface Page<T> {
  readonly items?: readonly T[];
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
}

function pickSelectors({ labelSelector, fieldSelector }: Selectors): Record<string, string> {
  return {
    ...(labelSelector !== undefined && { labelSelector }),
    ...(fieldSelector !== undefined && { fieldSelector }),
  };
}
