import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AgentError } from '../errors.ts';
import type { KubernetesAccess } from './access.ts';
import type { Cluster } from './credentials.ts';
import { readTokenClaims } from './token-claims.ts';

/**
 * The cluster that this pod runs in. Not by client-node: that is 2 MB of code and 30 MB of memory for three small files.
 *
 * @throws AgentError `ERR_SOURCE`
 */
export function openPod({ address, directory }: Extract<KubernetesAccess, { kind: 'pod' }>): Cluster {
  return {
    address,
    namespace: read(directory, 'namespace'),
    async readCredentials() {
      return {
        headers: { Authorization: `Bearer ${read(directory, 'token')}` },
        tls: { ca: read(directory, 'ca.crt') },
      };
    },
    readClaims: () => readTokenClaims(read(directory, 'token')),
  };
}

function read(directory: string, name: string): string {
  const path = join(directory, name);
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw new AgentError('ERR_SOURCE', `cannot read ${path}: ${(cause as NodeJS.ErrnoException).code}`, {
      remedy: 'mount a token of the service account: set automountServiceAccountToken: true, or project one there',
      cause,
    });
  }
  // A header with a line break in it would be refused in words that quote it.
  if (/^[\x21-\x7e]+$/.test(text) || (name === 'ca.crt' && text !== '')) return text;
  throw new AgentError('ERR_SOURCE', `${path} is empty, or not what the kubelet writes there`);
}
