import { AgentError } from '../errors.ts';
import type { KubernetesAccess } from './access.ts';
import { type Kubernetes, type KubernetesPorts, openKubernetes } from './kubernetes.ts';
import { statusOf } from './kubernetes-error.ts';
import { makePath } from './paths.ts';

/** Where Kuma, and so a Kong Mesh on Kubernetes, keeps the value of a Secret of type `system.kuma.io/secret`. */
const KEY = 'value';

/**
 * The value of the Secret of that name in our namespace, read anew: its key `value`, or its only key.
 *
 * @throws AgentError `ERR_SOURCE`
 */
export async function readSecret(name: string, access: KubernetesAccess, ports: KubernetesPorts): Promise<string> {
  const kubernetes = await openKubernetes({ access }, ports);
  try {
    return choose(await fetchSecret(name, kubernetes), name, kubernetes.namespace);
  } finally {
    kubernetes.close();
  }
}

type SecretData = Readonly<Record<string, string>>;

async function fetchSecret(name: string, kubernetes: Kubernetes): Promise<SecretData> {
  const { namespace } = kubernetes;
  const path = makePath({ group: '', version: 'v1', resource: 'secrets', namespace }, name);
  try {
    const { data } = await kubernetes.get<{ data?: SecretData }>(path, new AbortController().signal);
    return data ?? {};
  } catch (cause) {
    const error = AgentError.from(cause);
    throw new AgentError('ERR_SOURCE', explain(error, name, namespace), {
      remedy: advise(error, name, namespace),
      retry: error.retry,
      cause,
    });
  }
}

function explain(error: AgentError, name: string, namespace: string): string {
  const what = `secret "${name}" is no file in the secrets directory, and`;
  if (statusOf(error) === 404) return `${what} the namespace "${namespace}" has no Secret of that name`;
  if (error.code === 'ERR_CA_DENIED') return `${what} we may not read the Secret of that name in "${namespace}"`;
  return `${what} the Secret of that name in "${namespace}" cannot be read: ${error.message}`;
}

function advise(error: AgentError, name: string, namespace: string): string {
  if (statusOf(error) === 404)
    return `run: kubectl -n ${namespace} create secret generic ${name} --from-file=${KEY}=FILE`;
  if (error.code !== 'ERR_CA_DENIED') return error.remedy ?? 'see whether the API server is well';
  const rule = `{apiGroups: [""], resources: ["secrets"], resourceNames: ["${name}"], verbs: ["get"]}`;
  return `mount it as a file, or grant our service account in a Role of the namespace "${namespace}": ${rule}`;
}

function choose(data: SecretData, name: string, namespace: string): string {
  const keys = Object.keys(data);
  const chosen = data[KEY] ?? (keys.length === 1 ? data[keys[0] as string] : undefined);
  const what = `the Secret "${name}" in the namespace "${namespace}"`;
  if (chosen === undefined) {
    const found = keys.length === 0 ? 'no keys' : `the keys ${keys.map((key) => `"${key}"`).join(', ')}`;
    throw new AgentError('ERR_SOURCE', `${what} has ${found}, and we look for "${KEY}" or a single one`);
  }
  const text = Buffer.from(chosen, 'base64').toString('utf8');
  if (text.trim() === '') throw new AgentError('ERR_SOURCE', `${what} is empty`);
  return text;
}
