import type { CaKeeper } from '../ca/kept-ca.ts';
import { AgentError } from '../errors.ts';
import type { Kubernetes } from '../kubernetes/kubernetes.ts';
import { statusOf } from '../kubernetes/kubernetes-error.ts';
import { makePath } from '../kubernetes/paths.ts';

/** Where Kuma, too, keeps the value of a secret. */
const KEY = 'value';

/** Keeps a CA in two Secrets of a namespace. The API server makes each once, whoever asks at the same time. */
export function openCaSecrets(kubernetes: Kubernetes, namespace: string, signal: AbortSignal): CaKeeper {
  const path = (name?: string) => makePath({ group: '', version: 'v1', resource: 'secrets', namespace }, name);
  const describe = (name: string) => `the Secret "${name}" in the namespace "${namespace}"`;

  async function read(name: string): Promise<string | undefined> {
    const secret = await kubernetes
      .get<{ data?: Readonly<Record<string, string>> }>(path(name), signal)
      .catch((thrown: unknown) => {
        if (statusOf(thrown) === 404) return undefined;
        throw thrown;
      });
    if (secret === undefined) return undefined;
    const value = secret.data?.[KEY];
    if (value !== undefined) return Buffer.from(value, 'base64').toString('utf8');
    throw new AgentError('ERR_SOURCE', `${describe(name)} has no key "${KEY}"`, { detail: 'incomplete' });
  }

  return {
    describe,
    read,
    async writeFirst(name, text) {
      const metadata = { name, labels: { 'app.kubernetes.io/managed-by': 'meshcert' } };
      try {
        await kubernetes.create(path(), { metadata, type: 'Opaque', stringData: { [KEY]: text } }, signal);
        return text;
      } catch (thrown) {
        const stored = statusOf(thrown) === 409 ? await read(name) : undefined;
        if (stored === undefined) throw thrown;
        return stored;
      }
    },
  };
}
