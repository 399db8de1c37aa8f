import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import type { Cluster } from './kube-client.ts';

/** Of the mesh `default` in docs/signer.md, whose signer lives in `meshcert-system`, and whose workloads live in `shop`. */
export interface RightsOptions {
  readonly mesh: string;
  readonly signerNamespace: string;
  readonly workloadNamespaces: readonly string[];
}

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/** Grants what docs/signer.md prints for the signer and for workloads, and nothing else. */
export async function grantDocumentedRights(cluster: Cluster, options: RightsOptions): Promise<void> {
  const [first = '', ...others] = options.workloadNamespaces;
  const manifests = [
    ...readManifests({ ...options, namespace: first }),
    ...others.flatMap((namespace) =>
      readManifests({ ...options, namespace }).filter(
        ({ metadata }) => metadata.name === `meshcert-agent-${namespace}`,
      ),
    ),
  ];
  for (const manifest of manifests) await create(cluster, manifest);
}

function readManifests({ mesh, signerNamespace, namespace }: RightsOptions & { namespace: string }): Manifest[] {
  const page = readFileSync(new URL('../../docs/signer.md', import.meta.url), 'utf8')
    .replaceAll('meshcert-system', signerNamespace)
    .replaceAll(/(meshcert\.io[/:]|meshcert-(?:signer|trust)-)default/g, `$1${mesh}`)
    .replaceAll('default.ca-builtin', `${mesh}.ca-builtin`)
    .replaceAll(/(meshcert-agent-|serviceaccounts:)shop/g, `$1${namespace}`);
  const blocks = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text = '']) => text);
  const documents = blocks.flatMap((text) => parseAllDocuments(text).map((one) => one.toJS() as Manifest));
  return documents.filter(({ apiVersion, kind }) => apiVersion?.startsWith('rbac.') || kind === 'ServiceAccount');
}

async function create(cluster: Cluster, manifest: Manifest): Promise<void> {
  const { apiVersion, kind, metadata } = manifest;
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const place = metadata.namespace === undefined ? '' : `/namespaces/${metadata.namespace}`;
  const { status, body } = await cluster.api('POST', `${root}${place}/${kind.toLowerCase()}s`, manifest);
  // The role of workloads is one for all meshes.
  if (status !== 409 && status >= 300) throw new Error(`${kind} ${metadata.name}: ${status} ${JSON.stringify(body)}`);
}
