import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { parseAllDocuments } from 'yaml';
import { builtProgram } from './agent.ts';
import { freePort } from './free-port.ts';
import type { Cluster } from './kube-client.ts';
import { plainEnvironment, type RunningProcess, startProcess } from './process.ts';
import { requestJson } from './request-json.ts';
import { makeServiceAccount, type Rule } from './service-account.ts';
import { uniqueName } from './unique-name.ts';

export interface WebhookReplica {
  readonly port: number;
  readonly telemetryUrl: string;
  readonly process: RunningProcess;
}

/** A webhook as a chart would register it, for the namespaces of one test alone. */
export interface WebhookBench {
  /** Name of the MutatingWebhookConfiguration and of the Secret. */
  readonly name: string;
  /** Where the webhook lives. */
  readonly namespace: string;
  /** Starts the built program, and waits until the API server knows its CA. @param args further options. */
  startReplica(args?: readonly string[]): Promise<WebhookReplica>;
  /** Registers the ports for namespaces and for pods that ask for themselves. Default: the same for both. */
  lead(port: number, portForPods?: number): Promise<void>;
  /** A namespace that the webhook is asked for, with the service account `web`. */
  createNamespace(metadata?: {
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  }): Promise<string>;
  /** The configuration as it is stored. */
  readConfiguration(): Promise<WebhookConfiguration>;
}

export interface WebhookConfiguration {
  readonly webhooks: readonly { readonly clientConfig: { readonly url: string; readonly caBundle?: string } }[];
}

/** The YAML of docs/kubernetes.md: what it says to grant and to register is what is tested. */
const DOCUMENTED = [
  ...readFileSync(join(import.meta.dirname, '../../docs/kubernetes.md'), 'utf8').matchAll(/^```yaml\n(.*?)^```$/gms),
].flatMap(([, text = '']) => parseAllDocuments(text).map((document) => document.toJS()));

function findDocumented<T>(kind: string): T {
  const found = DOCUMENTED.find((one) => one?.kind === kind);
  if (found === undefined) throw new Error(`docs/kubernetes.md has no ${kind}`);
  return structuredClone(found);
}

/** Of a role, for the objects of one test. */
function readRules(kind: 'Role' | 'ClusterRole', name: string): Rule[] {
  const { rules } = findDocumented<{ rules: Rule[] }>(kind);
  return rules.map((rule) => (rule.resourceNames === undefined ? rule : { ...rule, resourceNames: [name] }));
}

const CONFIGURATIONS = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';

/** @param meshYaml the documents of `-c`. */
export async function setUpWebhook(
  t: Pick<Test, 'teardown'>,
  cluster: Cluster,
  { directory, meshYaml }: { readonly directory: string; readonly meshYaml: string },
): Promise<WebhookBench> {
  const name = uniqueName('meshcert');
  const account = await makeServiceAccount(cluster, directory, { name: 'webhook' });
  await account.grant(readRules('Role', name));
  await grantEverywhere(cluster, name, account, readRules('ClusterRole', name));
  const meshFile = join(directory, `${name}.yaml`);
  writeFileSync(meshFile, meshYaml);
  const kubeconfig = account.writeKubeconfig();
  await expectDone(cluster, 'POST', CONFIGURATIONS, describeConfiguration(name, 1));
  t.teardown(() => cluster.api('DELETE', `${CONFIGURATIONS}/${name}`));

  const readConfiguration = async () =>
    (await cluster.api<WebhookConfiguration>('GET', `${CONFIGURATIONS}/${name}`)).body;

  async function lead(port: number, portForPods = port): Promise<void> {
    const configuration = await readConfiguration();
    const webhooks = configuration.webhooks.map((one, index) => ({
      ...one,
      clientConfig: { ...one.clientConfig, url: `https://127.0.0.1:${[port, portForPods][index]}/inject` },
    }));
    await expectDone(cluster, 'PUT', `${CONFIGURATIONS}/${name}`, { ...configuration, webhooks });
  }

  async function startReplica(args: readonly string[] = []): Promise<WebhookReplica> {
    const [port, telemetryPort] = await Promise.all([freePort(), freePort()]);
    const telemetryUrl = `http://127.0.0.1:${telemetryPort}`;
    const running = await startProcess({
      name: uniqueName('webhook'),
      command: builtProgram(),
      args: [
        ...['webhook', '-c', meshFile, '--image', 'registry.example/meshcert:test', '--host', '127.0.0.1'],
        ...['--listen', `127.0.0.1:${port}`, '--telemetry', `127.0.0.1:${telemetryPort}`, '--drain', '1ms'],
        ...['--secret', name, '--webhook-configuration', name, ...args],
      ],
      directory,
      env: { ...plainEnvironment(directory), KUBECONFIG: kubeconfig },
      ready: async () => {
        const { status, body } = await requestJson<{ text: string }>(`${telemetryUrl}/metrics`, { timeoutMs: 2_000 });
        return status === 200 && body.text.includes('\nmeshcert_webhook_ca_bundle_current 1\n');
      },
    });
    t.teardown(() => running.stop());
    return { port, telemetryUrl, process: running };
  }

  async function createNamespace({ labels = {}, annotations = {} } = {}): Promise<string> {
    const namespace = uniqueName('shop');
    const metadata = { name: namespace, labels: { [TEST_LABEL]: name, ...labels }, annotations };
    await expectDone(cluster, 'POST', '/api/v1/namespaces', { metadata });
    await cluster.createServiceAccount(namespace, 'web');
    return namespace;
  }

  return { name, namespace: account.namespace, startReplica, lead, createNamespace, readConfiguration };
}

/** The namespaces of one test. */
const TEST_LABEL = 'meshcert-test';

/** Nobody listens yet. */
function describeConfiguration(name: string, port: number): object {
  const { webhooks, ...rest } = findDocumented<DocumentedConfiguration>('MutatingWebhookConfiguration');
  const isOfTest = { key: TEST_LABEL, operator: 'In', values: [name] };
  return {
    ...rest,
    metadata: { name },
    webhooks: webhooks.map(({ namespaceSelector: { matchExpressions }, ...one }) => ({
      ...one,
      namespaceSelector: { matchExpressions: [isOfTest, ...matchExpressions] },
      clientConfig: { url: `https://127.0.0.1:${port}/inject` },
    })),
  };
}

interface DocumentedConfiguration {
  readonly webhooks: readonly { readonly namespaceSelector: { readonly matchExpressions: readonly object[] } }[];
}

async function grantEverywhere(
  cluster: Cluster,
  name: string,
  account: { readonly namespace: string; readonly name: string },
  rules: readonly Rule[],
): Promise<void> {
  const rbac = '/apis/rbac.authorization.k8s.io/v1';
  await expectDone(cluster, 'POST', `${rbac}/clusterroles`, { metadata: { name }, rules });
  await expectDone(cluster, 'POST', `${rbac}/clusterrolebindings`, {
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
    subjects: [{ kind: 'ServiceAccount', namespace: account.namespace, name: account.name }],
  });
}

async function expectDone(cluster: Cluster, method: string, path: string, body: unknown): Promise<void> {
  const { status, body: answer } = await cluster.api(method, path, body);
  if (status >= 300) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(answer)}`);
}
