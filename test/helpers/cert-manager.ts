import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { eventually } from './eventually.ts';
import type { Cluster } from './kube-client.ts';
import { peerProgram } from './peers.ts';
import { type RunningProcess, startProcess } from './process.ts';
import { renderAdminKubeconfig } from './service-account.ts';

export interface CertManagerOptions {
  /** Keys and logs. */
  readonly directory: string;
  /** The only namespace to work in, so that several may share a cluster. Default: all, and ClusterIssuers. */
  readonly namespace?: string;
  /** False: nobody approves, as where approver-policy is to do it. */
  readonly approves?: boolean;
}

/** The real controllers and CRDs of cert-manager, without its webhook. */
export async function startCertManager(
  cluster: Cluster,
  { directory, namespace, approves = true }: CertManagerOptions,
): Promise<RunningProcess> {
  await installCrds(cluster);
  const kubeconfig = join(directory, 'admin.kubeconfig');
  writeFileSync(kubeconfig, renderAdminKubeconfig(cluster), { mode: 0o600 });
  return startProcess({
    name: 'cert-manager',
    command: peerProgram('cert-manager'),
    args: [
      `-kubeconfig=${kubeconfig}`,
      ...(namespace === undefined ? [] : [`-namespace=${namespace}`]),
      ...(approves ? [] : ['-disable=certificaterequests-approver']),
    ],
    directory,
  });
}

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

/** Makes the CRDs known to the cluster, once; several may try at the same time. */
export async function installCrds(cluster: Cluster): Promise<void> {
  const folder = join(dirname(peerProgram('cert-manager')), 'crds');
  const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'));
  const crds = files.map((file) => parse(readFileSync(join(folder, file), 'utf8')) as { metadata: { name: string } });
  for (const crd of crds) {
    const { status, body } = await cluster.api('POST', CRDS, crd);
    if (status >= 300 && status !== 409) throw new Error(`${crd.metadata.name}: ${status} ${JSON.stringify(body)}`);
  }
  for (const { metadata } of crds) {
    await eventually(`${metadata.name} is served`, async () => {
      const { body } = await cluster.api<{ status?: { conditions?: { type: string; status: string }[] } }>(
        'GET',
        `${CRDS}/${metadata.name}`,
      );
      return body.status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True') === true;
    });
  }
}

/** A CA Issuer (or ClusterIssuer) whose key is in a Secret, ready to sign. */
export async function makeCaIssuer(
  cluster: Cluster,
  ca: { readonly certificatePem: string; readonly keyPem: string; readonly caPem?: string },
  {
    namespace,
    name = 'mesh-ca',
    kind = 'Issuer',
  }: { namespace: string; name?: string; kind?: 'Issuer' | 'ClusterIssuer' },
): Promise<void> {
  const secret = {
    metadata: { name },
    type: 'kubernetes.io/tls',
    stringData: {
      'tls.crt': ca.certificatePem,
      'tls.key': ca.keyPem,
      ...(ca.caPem !== undefined && { 'ca.crt': ca.caPem }),
    },
  };
  await expectMade(cluster, `/api/v1/namespaces/${namespace}/secrets`, secret);
  const group = '/apis/cert-manager.io/v1';
  const path = kind === 'Issuer' ? `${group}/namespaces/${namespace}/issuers` : `${group}/clusterissuers`;
  await expectMade(cluster, path, {
    apiVersion: 'cert-manager.io/v1',
    kind,
    metadata: { name },
    spec: { ca: { secretName: name } },
  });
  await eventually(`${kind} ${name} is ready`, async () => {
    const { body } = await cluster.api<{ status?: { conditions?: { type: string; status: string }[] } }>(
      'GET',
      `${path}/${name}`,
    );
    return body.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
  });
}

async function expectMade(cluster: Cluster, path: string, body: unknown): Promise<void> {
  const { status, body: answer } = await cluster.api('POST', path, body);
  if (status >= 300) throw new Error(`POST ${path}: ${status} ${JSON.stringify(answer)}`);
}
