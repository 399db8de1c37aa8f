import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { systemClock } from '../../src/clock.ts';
import { openDataSources } from '../../src/data-source.ts';
import type { KubernetesConfig } from '../../src/issuer/kubernetes/config.ts';
import { type Kubernetes, openKubernetes } from '../../src/kubernetes/kubernetes.ts';
import { signerNameOf, trustConfigMapOf, trustKeyOf } from '../../src/kubernetes/mesh-signer.ts';
import type { SigningRequest } from '../../src/kubernetes/signing-request.ts';
import { LEASE_CALL_LIMIT_MS } from '../../src/signer/lead.ts';
import { openSignerObservation } from '../../src/signer/observation.ts';
import { makeSettings, type SettingsInput } from '../../src/signer/settings.ts';
import { openSigner } from '../../src/signer/signer.ts';
import { grantDocumentedRights } from './documented-rights.ts';
import { eventually } from './eventually.ts';
import type { Cluster } from './kube-client.ts';
import { openRecordingLog } from './recording-log.ts';
import { makeServiceAccount, type ServiceAccount } from './service-account.ts';
import { uniqueName } from './unique-name.ts';

/** A mesh of its own in the shared cluster, with the documented rights of a signer and of workloads in one namespace. */
export interface SignerCluster {
  readonly mesh: string;
  readonly signerName: string;
  /** Of the signer. */
  readonly namespace: string;
  /** Of the workload `web`. */
  readonly workloads: string;
  readonly signer: ServiceAccount;
  readonly web: ServiceAccount;
  /** A further workload. */
  addWorkload(name: string, namespace?: string): Promise<ServiceAccount>;
  /** What an agent's configuration gives for the backend `ca-1` where it has `signer`. */
  issuerConfig(account: ServiceAccount, backend?: string): KubernetesConfig;
  trustConfigMap(): Promise<Readonly<Record<string, string>> | undefined>;
  /** The request as the administrator sees it. */
  readRequest(name: string): Promise<SigningRequest>;
}

export async function makeSignerCluster(
  cluster: Cluster,
  directory: string,
  workloadNamespaces: readonly string[] = [],
): Promise<SignerCluster> {
  const mesh = uniqueName('mesh');
  const [namespace, workloads] = [uniqueName('signer'), uniqueName('shop')];
  for (const name of [namespace, workloads, ...workloadNamespaces]) await cluster.createNamespace(name);
  const signer = await makeServiceAccount(cluster, directory, { namespace, name: 'meshcert-signer' });
  const all = [workloads, ...workloadNamespaces];
  await grantDocumentedRights(cluster, { mesh, signerNamespace: namespace, workloadNamespaces: all });
  const addWorkload = (name: string, home = workloads) =>
    makeServiceAccount(cluster, directory, { namespace: home, name });
  const configMap = `/api/v1/namespaces/${namespace}/configmaps/${trustConfigMapOf(mesh)}`;
  return {
    mesh,
    signerName: signerNameOf(mesh),
    namespace,
    workloads,
    signer,
    web: await addWorkload('web'),
    addWorkload,
    issuerConfig: ({ access }, backend = 'ca-1') => ({
      kind: 'kubernetes',
      signerName: signerNameOf(mesh),
      backend,
      trust: { kind: 'configMap', namespace, name: trustConfigMapOf(mesh), key: trustKeyOf(backend) },
      access,
    }),
    async trustConfigMap() {
      const { status, body } = await cluster.api<{ data?: Record<string, string> }>('GET', configMap);
      return status === 200 ? (body.data ?? {}) : undefined;
    },
    async readRequest(name) {
      const path = `/apis/certificates.k8s.io/v1/certificatesigningrequests/${name}`;
      const { status, body } = await cluster.api<SigningRequest>('GET', path);
      if (status !== 200) throw new Error(`${path}: ${status}`);
      return body;
    },
  };
}

export interface RunningSigner {
  readonly log: ReturnType<typeof openRecordingLog>;
  readonly observation: ReturnType<typeof openSignerObservation>;
  readonly reconfigure: (changes: Partial<SettingsInput>) => void;
  readonly sourcesChanged: () => void;
  stop(): Promise<void>;
}

/** The real signer, in this process, as its own service account. Resolves when it leads and has published. */
export async function runSigner(
  t: Pick<Test, 'teardown'>,
  { mesh, namespace, signer: account }: SignerCluster,
  changes: Partial<SettingsInput> = {},
): Promise<RunningSigner> {
  const input: SettingsInput = {
    mesh,
    trustDomain: mesh,
    template: '/ns/{namespace}/sa/{serviceAccount}',
    allowedNamespaces: [],
    backends: [{ name: 'ca-1', ttlSeconds: 86_400, ca: { kind: 'builtin', caTtlSeconds: 10 * 86_400 } }],
    enabledBackend: 'ca-1',
    ...changes,
  };
  const ports = { clock: systemClock, random: Math.random };
  const log = openRecordingLog();
  const backends = input.backends.map(({ name }) => name);
  const observation = openSignerObservation({ backends, version: '0', nodeVersion: '24' }, systemClock);
  const open = (limitMs: number): Promise<Kubernetes> => openKubernetes({ access: account.access, limitMs }, ports);
  const [kubernetes, leaseKubernetes] = [await open(10_000), await open(LEASE_CALL_LIMIT_MS)];
  const signer = openSigner(
    makeSettings(input),
    { namespace, identity: uniqueName('replica') },
    { ...ports, kubernetes, leaseKubernetes, readSource: openDataSources('/nonexistent'), log, observation },
  );
  const ended = new AbortController();
  const running = signer.run(ended.signal);
  const stop = async () => {
    ended.abort();
    await running;
    kubernetes.close();
    leaseKubernetes.close();
  };
  t.teardown(stop);
  await eventually('the signer leads and has published', () => {
    const { ok, checks } = observation.ready();
    return ok && !checks.some(({ line }) => line === 'stands by');
  }).catch((error: Error) => {
    throw new Error(`${error.message}\n${JSON.stringify(log.lines, undefined, 1)}`);
  });
  return {
    log,
    observation,
    reconfigure: (more) => signer.reconfigure(makeSettings({ ...input, ...more })),
    sourcesChanged: signer.sourcesChanged,
    stop,
  };
}

/** What the kubelet would mount, for a program that is told of it by its environment. */
export function makePodEnvironment(account: ServiceAccount): Record<string, string> {
  return {
    KUBECONFIG: account.writeKubeconfig(),
    POD_NAMESPACE: account.namespace,
    SERVICE_ACCOUNT: account.name,
  };
}

export function writeFiles(directory: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(directory, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
}
