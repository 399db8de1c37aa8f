import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import { AgentError } from '../errors.ts';
import type { Cluster, Credentials } from './credentials.ts';

/**
 * The cluster that kubeconfig files name: certificates, tokens, programs that fetch tokens (`exec`), OpenID Connect and
 * proxies are client-node's work.
 *
 * @throws AgentError `ERR_SOURCE`
 */
export async function openKubeconfig(paths: readonly string[]): Promise<Cluster> {
  const name = paths.join(', ');
  const config = await load(paths, name);
  const cluster = config.getCurrentCluster();
  if (!cluster?.server || !URL.canParse(cluster.server)) {
    throw refuse(`${name} names no cluster to use`, 'set its current-context: kubectl config use-context NAME');
  }
  return {
    address: cluster.server.replace(/\/+$/, ''),
    namespace: config.getContextObject(config.getCurrentContext())?.namespace ?? 'default',
    readClaims: () => undefined,
    async readCredentials() {
      const options: Parameters<KubeConfig['applyToHTTPSOptions']>[0] = {};
      try {
        await config.applyToHTTPSOptions(options);
      } catch (cause) {
        throw refuse(`the credentials that ${name} names cannot be had`, 'try: kubectl auth whoami', cause);
      }
      return toCredentials(options, cluster.proxyUrl !== undefined && cluster.proxyUrl !== null);
    },
  };
}

type HttpsOptions = Parameters<KubeConfig['applyToHTTPSOptions']>[0];

function toCredentials(options: HttpsOptions, isProxied: boolean): Credentials {
  const { headers = {}, auth, ca, cert, key, servername, rejectUnauthorized, agent } = options;
  const basic = auth ? { Authorization: `Basic ${Buffer.from(auth).toString('base64')}` } : {};
  return {
    headers: { ...basic, ...(headers as Record<string, string>) },
    tls: { ca, cert, key, servername, rejectUnauthorized } as Credentials['tls'],
    proxy: isProxied && typeof agent === 'object' ? agent : undefined,
  };
}

async function load(paths: readonly string[], name: string): Promise<KubeConfig> {
  const [{ KubeConfig }, { parse }] = await Promise.all([
    import('@kubernetes/client-node/dist/config.js'),
    import('yaml'),
  ]);
  const merged = new KubeConfig();
  try {
    for (const path of paths) {
      const config = new KubeConfig();
      config.loadFromFile(path);
      readTokenFiles(config, parse(readFileSync(path, 'utf8')), dirname(path));
      addMissing(merged, config);
    }
    return merged;
  } catch (cause) {
    const { code = 'it is no kubeconfig' } = cause as NodeJS.ErrnoException;
    throw refuse(`cannot read ${name}: ${code}`, 'set KUBECONFIG to a file that kubectl works with', cause);
  }
}

/** client-node does not know `tokenFile`, which kubectl reads and others replace; its own provider re-reads each minute. */
function readTokenFiles(config: KubeConfig, text: unknown, directory: string): void {
  const { users = [] } = (text ?? {}) as { users?: { name: string; user?: { tokenFile?: string } }[] };
  config.users = config.users.map((user) => {
    const file = users.find(({ name }) => name === user.name)?.user?.tokenFile;
    if (file === undefined) return user;
    const { token: _, ...rest } = user;
    return { ...rest, authProvider: { name: 'tokenFile', config: { tokenFile: resolve(directory, file) } } };
  });
}

/** What an earlier file says counts. */
function addMissing(merged: KubeConfig, config: KubeConfig): void {
  const isNew =
    <T extends { name: string }>(known: readonly T[]) =>
    ({ name }: T) =>
      !known.some((one) => one.name === name);
  merged.clusters = [...merged.clusters, ...config.clusters.filter(isNew(merged.clusters))];
  merged.users = [...merged.users, ...config.users.filter(isNew(merged.users))];
  merged.contexts = [...merged.contexts, ...config.contexts.filter(isNew(merged.contexts))];
  merged.currentContext ||= config.currentContext;
}

function refuse(message: string, remedy: string, cause?: unknown): AgentError {
  return new AgentError('ERR_SOURCE', message, { remedy, cause });
}
