import { delimiter } from 'node:path';

/** Where the API server is, and what says who we are to it. */
export type KubernetesAccess =
  /** The service account of the pod that we run in. */
  | {
      readonly kind: 'pod';
      /** Base URL. */
      readonly address: string;
      /** Holds `token`, `ca.crt` and `namespace`, as the kubelet projects them; each is read anew when it is needed. */
      readonly directory: string;
    }
  /** Files as kubectl reads them: of what stands in several, the first counts. Not empty. */
  | { readonly kind: 'kubeconfig'; readonly paths: readonly string[] };

/** Where the kubelet puts the token, CA and namespace of a pod's service account. */
const SERVICE_ACCOUNT_DIRECTORY = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * The way to the API server that the environment gives, in the order of Kubernetes' own clients: the files in KUBECONFIG,
 * else the pod that we run in. Undefined: there is none. Touches no file.
 */
export function findKubernetesAccess(
  environment: Readonly<Record<string, string | undefined>>,
): KubernetesAccess | undefined {
  const paths = (environment.KUBECONFIG ?? '').split(delimiter).filter((path) => path !== '');
  if (paths.length > 0) return { kind: 'kubeconfig', paths };
  const { KUBERNETES_SERVICE_HOST: host = '', KUBERNETES_SERVICE_PORT: port = '' } = environment;
  if (host === '' || port === '') return undefined;
  const name = host.includes(':') ? `[${host}]` : host;
  return { kind: 'pod', address: `https://${name}:${port}`, directory: SERVICE_ACCOUNT_DIRECTORY };
}
