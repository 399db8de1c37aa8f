import type { Kubernetes } from '../kubernetes/kubernetes.ts';
import { statusOf } from '../kubernetes/kubernetes-error.ts';
import type { KubernetesObject } from '../kubernetes/objects.ts';
import { makePath } from '../kubernetes/paths.ts';
import type { StoredCertificates } from './certificate-plan.ts';

/** The Secret that the replicas share, at one version. */
export interface SecretVersion {
  /** Undefined: there is none, or nothing of ours in it. */
  readonly stored: StoredCertificates | undefined;
  /** Undefined: there is no Secret yet. */
  readonly secret: Secret | undefined;
}

interface Secret extends KubernetesObject {
  readonly data?: Readonly<Record<string, string>> | null;
}

const NEXT_FROM = 'next-from';

/** The Secret in our own namespace. */
export function openSecret(kubernetes: Kubernetes, name: string) {
  const all = makePath({ group: '', version: 'v1', resource: 'secrets', namespace: kubernetes.namespace });
  return {
    /** @throws AgentError */
    async read(signal: AbortSignal): Promise<SecretVersion> {
      try {
        const secret = await kubernetes.get<Secret>(`${all}/${encodeURIComponent(name)}`, signal);
        return { stored: readData(secret.data ?? {}), secret };
      } catch (thrown) {
        if (statusOf(thrown) === 404) return { stored: undefined, secret: undefined };
        throw thrown;
      }
    },
    /**
     * @returns false when another replica was quicker; nothing is written then.
     * @throws AgentError
     */
    async write({ secret }: SecretVersion, stored: StoredCertificates, signal: AbortSignal): Promise<boolean> {
      const metadata = { name, namespace: kubernetes.namespace };
      const base = secret ?? { apiVersion: 'v1', kind: 'Secret', metadata, type: 'Opaque' };
      const object = { ...base, data: writeData(stored) };
      try {
        if (secret === undefined) await kubernetes.create(all, object, signal);
        else await kubernetes.replace(`${all}/${encodeURIComponent(name)}`, object, signal);
        return true;
      } catch (thrown) {
        if (statusOf(thrown) === 409) return false;
        throw thrown;
      }
    },
  };
}

function readData(data: Readonly<Record<string, string>>): StoredCertificates | undefined {
  const read = (key: string) => Buffer.from(data[key] ?? '', 'base64').toString('utf8');
  const [certificate, key, cas] = [read('tls.crt'), read('tls.key'), read('ca.crt')];
  if (certificate === '' || key === '' || cas === '') return undefined;
  const fromMs = Date.parse(read(NEXT_FROM));
  const next = Number.isNaN(fromMs) ? undefined : { certificate: read('next.crt'), key: read('next.key'), fromMs };
  return { certificate, key, cas, next };
}

function writeData({ certificate, key, cas, next }: StoredCertificates): Record<string, string> {
  const text = {
    'tls.crt': certificate,
    'tls.key': key,
    'ca.crt': cas,
    ...(next !== undefined && {
      'next.crt': next.certificate,
      'next.key': next.key,
      [NEXT_FROM]: new Date(next.fromMs).toISOString(),
    }),
  };
  return Object.fromEntries(Object.entries(text).map(([name, value]) => [name, Buffer.from(value).toString('base64')]));
}
