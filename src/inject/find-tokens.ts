import { basename, dirname } from 'node:path';
import type { Config } from '../config/config.ts';
import { TOKEN_VOLUME } from './names.ts';

/** A volume with the tokens that lie in one directory. */
export interface TokenVolume {
  readonly name: string;
  readonly directory: string;
  readonly tokens: readonly ProjectedToken[];
}

export interface ProjectedToken {
  /** Name of its file. */
  readonly path: string;
  /** Undefined: the API server's own. */
  readonly audience: string | undefined;
  readonly expirationSeconds: number;
}

/** Where Kubernetes itself mounts a token for the API server, into our container too. */
const KUBERNETES_DIRECTORY = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The kubelet replaces a token after 4/5 of its life. */
const EXPIRATION_SECONDS = 3600;

/** The service account tokens that the backends of a mesh are logged in to with, by the directory that they are read from. */
export function findTokens({ backends }: Config): TokenVolume[] {
  const directories = new Map<string, Map<string, ProjectedToken>>();
  for (const { issuer } of backends) {
    const auth = issuer.kind === 'vault' ? issuer.auth : undefined;
    if (auth?.method !== 'kubernetes') continue;
    const directory = dirname(auth.tokenPath);
    if (directory === KUBERNETES_DIRECTORY) continue;
    const path = basename(auth.tokenPath);
    const tokens = directories.get(directory) ?? new Map();
    tokens.set(path, { path, audience: auth.audience, expirationSeconds: EXPIRATION_SECONDS });
    directories.set(directory, tokens);
  }
  return [...directories].map(([directory, tokens], index) => ({
    name: index === 0 ? TOKEN_VOLUME : `${TOKEN_VOLUME}-${index + 1}`,
    directory,
    tokens: [...tokens.values()],
  }));
}
