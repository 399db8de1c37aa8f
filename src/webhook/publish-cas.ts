import type { Kubernetes } from '../kubernetes/kubernetes.ts';
import { statusOf } from '../kubernetes/kubernetes-error.ts';
import type { KubernetesObject } from '../kubernetes/objects.ts';
import { makePath } from '../kubernetes/paths.ts';

interface WebhookConfiguration extends KubernetesObject {
  readonly webhooks?: readonly { readonly clientConfig: { readonly caBundle?: string } }[];
}

/**
 * Makes every webhook of a MutatingWebhookConfiguration trust these CAs and no others. Writes only what differs.
 *
 * @param cas PEM.
 * @returns false when somebody else wrote meanwhile: try again.
 * @throws AgentError; with the status 404 when there is no configuration of that name.
 */
export async function publishCas(
  kubernetes: Kubernetes,
  name: string,
  cas: string,
  signal: AbortSignal,
): Promise<boolean> {
  const resource = { group: 'admissionregistration.k8s.io', version: 'v1', resource: 'mutatingwebhookconfigurations' };
  const path = makePath(resource, name);
  const configuration = await kubernetes.get<WebhookConfiguration>(path, signal);
  const caBundle = Buffer.from(cas).toString('base64');
  const { webhooks = [] } = configuration;
  if (webhooks.every(({ clientConfig }) => clientConfig.caBundle === caBundle)) return true;
  const told = webhooks.map((one) => ({ ...one, clientConfig: { ...one.clientConfig, caBundle } }));
  try {
    await kubernetes.replace(path, { ...configuration, webhooks: told }, signal);
    return true;
  } catch (thrown) {
    if (statusOf(thrown) === 409) return false;
    throw thrown;
  }
}
