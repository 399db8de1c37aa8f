import { readCaChain } from '../../ca/ca-material.ts';
import type { ReadDataSource } from '../../data-source.ts';
import { AgentError } from '../../errors.ts';
import { findTrustBundleVersion, trustBundlePath } from '../../kubernetes/cluster-trust-bundles.ts';
import type { Kubernetes } from '../../kubernetes/kubernetes.ts';
import { statusOf } from '../../kubernetes/kubernetes-error.ts';
import type { KubernetesObject, ObjectList } from '../../kubernetes/objects.ts';
import { makePath } from '../../kubernetes/paths.ts';
import type { KubernetesConfig, TrustSource } from './config.ts';

interface ClusterTrustBundle extends KubernetesObject {
  readonly spec: { readonly trustBundle: string };
}

/**
 * The CA certificates that peers are to trust, DER, read anew.
 *
 * @throws AgentError
 */
export async function readTrust(
  { trust, signerName }: Pick<KubernetesConfig, 'trust' | 'signerName'>,
  kubernetes: Kubernetes,
  readSource: ReadDataSource,
  signal: AbortSignal,
): Promise<Buffer[]> {
  switch (trust.kind) {
    case 'source':
      return toDer(await readSource(trust.source), 'conf.caCert');
    case 'configMap':
      return toDer(await readConfigMap(trust, kubernetes, signal), `the ConfigMap ${trust.namespace}/${trust.name}`);
    case 'clusterTrustBundles': {
      const bundles = await listBundles(signerName, kubernetes, signal);
      if (bundles.length === 0) throw explainUnknown(`the cluster has no ClusterTrustBundle of "${signerName}"`);
      return toDer(
        bundles.map(({ spec }) => spec.trustBundle).join('\n'),
        `the ClusterTrustBundles of "${signerName}"`,
      );
    }
    default:
      return trust satisfies never;
  }
}

async function readConfigMap(
  { namespace, name, key }: Extract<TrustSource, { kind: 'configMap' }>,
  kubernetes: Kubernetes,
  signal: AbortSignal,
): Promise<string> {
  const path = makePath({ group: '', version: 'v1', resource: 'configmaps', namespace }, name);
  const remedy = `see whether the signer runs there: kubectl -n ${namespace} get pods,leases,configmaps`;
  const { data = {} } = await kubernetes
    .get<{ data?: Readonly<Record<string, string>> }>(path, signal)
    .catch((thrown: unknown) => {
      if (statusOf(thrown) !== 404) throw thrown;
      const message = `the signer has published no trust bundle: there is no ConfigMap ${namespace}/${name}`;
      throw new AgentError('ERR_CA_UNAVAILABLE', message, { remedy, detail: 'no_trust_bundle', cause: thrown });
    });
  const text = data[key];
  if (text !== undefined) return text;
  throw new AgentError('ERR_CA_UNAVAILABLE', `the ConfigMap ${namespace}/${name} of the signer has no key "${key}"`, {
    remedy: 'give the signer the same Mesh as this agent',
    detail: 'no_trust_bundle',
    retry: 'slowly',
  });
}

async function listBundles(
  signerName: string,
  kubernetes: Kubernetes,
  signal: AbortSignal,
): Promise<ObjectList<ClusterTrustBundle>['items']> {
  const version = await findTrustBundleVersion(kubernetes, signal);
  if (version === undefined) throw explainUnknown('this cluster serves no ClusterTrustBundles');
  const selectors = { fieldSelector: `spec.signerName=${signerName}` };
  return (await kubernetes.list<ClusterTrustBundle>(trustBundlePath(version), selectors, signal)).items;
}

function toDer(pem: string, what: string): Buffer[] {
  const all = readCaChain(pem, what).map(({ der }) => der);
  return all.filter((one, index) => all.findIndex((other) => other.equals(one)) === index);
}

function explainUnknown(why: string): AgentError {
  return new AgentError('ERR_SOURCE', `what peers are to trust is not known: ${why}`, {
    remedy: 'set conf.caCert to the root of that CA',
    detail: 'unknown_ca',
  });
}
