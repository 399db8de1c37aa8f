import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { parseAllDocuments } from 'yaml';
import { type ClusterNode, type NodePod, openClusterNode } from '../helpers/cluster-node.ts';
import { eventually } from '../helpers/eventually.ts';
import { installChart, type Manifest } from '../helpers/helm.ts';
import type { Cluster } from '../helpers/kube-client.ts';
import { startPodCluster } from '../helpers/pod-cluster.ts';
import { callApplication, callWithFiles, openPodTraffic, type PodTraffic } from '../helpers/pod-traffic.ts';
import type { PodToRun } from '../helpers/pod-volumes.ts';
import { runMeshcert } from '../helpers/run-meshcert.ts';
import { makeServiceAccount } from '../helpers/service-account.ts';

/** Cannot start without its certificate. Tells who calls it, as its Envoy says; or asks the next one, where there is one. */
const APP = `
const { createServer, get } = require('node:http');
require('node:fs').readFileSync('/var/run/meshcert/tls.crt');
createServer((request, answer) => {
  const caller = request.headers['x-forwarded-client-cert'];
  if (process.env.NEXT === undefined) return answer.end(JSON.stringify({ caller }));
  get(process.env.NEXT, (response) => response.pipe(answer.writeHead(response.statusCode)))
    .on('error', () => answer.writeHead(599).end());
}).listen(8080, '127.0.0.1');
`;
const SYSTEM = 'meshcert-system';
const INBOUND = 10_443;
/** Of whoever runs this test: to give files to another one takes root. */
const GROUP = process.getgid?.();

export interface ChartOptions {
  /** Of certificates. */
  readonly life: string;
  /** The value `monitoring` of the chart. */
  readonly monitoring?: object;
  /** Before the chart is installed. */
  readonly prepare?: (cluster: Cluster) => Promise<void>;
  /** While all is well, before the last step. */
  readonly watch?: (t: Test, mesh: ChartMesh) => Promise<void>;
}

export interface ChartMesh {
  readonly cluster: Cluster;
  readonly node: ClusterNode;
  readonly directory: string;
  readonly webhooks: readonly NodePod[];
  readonly signers: readonly NodePod[];
  readonly web: NodePod;
  readonly orders: NodePod;
  readonly traffic: PodTraffic;
}

/**
 * From `helm install` into a cluster of its own to two pods that talk mutual TLS through their Envoys while certificates
 * rotate, and are listed for whoever may look at them.
 */
export async function chartLeadsToTalkingPods(t: Test, options: ChartOptions): Promise<void> {
  const { directory, network, cluster } = await startPodCluster(t);
  await options.prepare?.(cluster);
  const node = openClusterNode(t, { cluster, network, directory });

  await installChart(cluster, { release: 'meshcert', namespace: SYSTEM, values: describeValues(options), directory });
  const [webhooks, signers] = await Promise.all([
    node.runDeployment(SYSTEM, 'meshcert-webhook'),
    node.runDeployment(SYSTEM, 'meshcert-signer-default'),
  ]);
  t.same([webhooks.length, signers.length], [2, 2], 'replicas with the rights of the chart are ready');
  await node.serve(SYSTEM, 'meshcert-webhook');

  const shop = { metadata: { name: 'shop', labels: { 'meshcert.io/inject': 'enabled' } } };
  t.equal((await cluster.api('POST', '/api/v1/namespaces', shop)).status, 201);
  const orders = await node.run(await admitOrders(cluster));
  t.same(
    orders.pod.spec.initContainers?.map(({ name }) => name),
    ['meshcert', 'meshcert-envoy'],
  );
  await node.serve('shop', 'orders');
  const web = await node.run(
    await admit(cluster, 'web', {
      annotations: {
        'meshcert.io/envoy': 'strict',
        'meshcert.io/envoy-outbound': `orders=orders.shop.svc:${INBOUND}=${idOf('orders')}`,
      },
      env: [{ name: 'NEXT', value: 'http://127.0.0.1:15001/' }],
    }),
  );
  const byEnvoys = `http://${web.address}:8080/`;
  const byItself = {
    target: `${orders.address}:${INBOUND}`,
    identity: web.volume('meshcert'),
    server: idOf('orders'),
  };

  await t.test('what was injected talks, and knows with whom', async (t) => {
    const answer = await eventually('web is answered by orders', async () => {
      const got = await callApplication(byEnvoys);
      return got.status === 200 && got;
    });
    t.ok(answer.caller?.endsWith(`;URI=${idOf('web')}`), `it was ${answer.caller}`);
    t.ok((await callWithFiles(byItself)).caller?.endsWith(`;URI=${idOf('web')}`), 'the application by itself, too');
    await t.rejects(callWithFiles({ ...byItself, server: idOf('web') }), {
      message: `the server is URI:${idOf('orders')}`,
    });
  });

  await t.test('who is none of those that orders allows is refused', async (t) => {
    await t.rejects(callApplication(`http://${orders.address}:${INBOUND}/`), { code: 'ECONNRESET' }, 'without TLS');
    const stranger = await node.run(await admit(cluster, 'stranger'));
    const identity = stranger.volume('meshcert');
    t.ok(existsSync(join(identity, 'tls.crt')), 'it is of the same mesh');
    // Its connection may be gone before it has read why.
    const refused = { code: /ALERT_CERTIFICATE_UNKNOWN|ECONNRESET|EPIPE/ };
    await t.rejects(callWithFiles({ ...byItself, identity }), refused);
    await node.remove(stranger);
  });

  const traffic = openPodTraffic({ byEnvoys, byItself, caller: idOf('web') });
  t.teardown(() => traffic.stop());
  await t.test('certificates are replaced in both, and no request fails', async (t) => {
    const rotated = () => traffic.served.size > 2 && traffic.shown.size > 2;
    await eventually('each has shown three certificates', rotated, { timeoutMs: 180_000, everyMs: 100 });
    t.same(traffic.failures.slice(0, 5), []);
    t.ok(traffic.answered > 200, `${traffic.answered} were answered`);
  });

  await options.watch?.(t, { cluster, node, directory, webhooks, signers, web, orders, traffic });
  await t.test('who has the printed rights sees both, and the one at risk first', (t) =>
    inspect(t, { cluster, directory, web }),
  );
  await traffic.stop();
  t.same(traffic.failures.slice(0, 5), [], 'to the end no request has failed');
}

function idOf(serviceAccount: string): string {
  return `spiffe://default/ns/shop/sa/${serviceAccount}`;
}

function describeValues({ life, monitoring = {} }: ChartOptions): object {
  const dpCert = { requestTimeout: '3s', rotation: { expiration: life } };
  const mtls = { enabledBackend: 'ca-1', backends: [{ name: 'ca-1', type: 'builtin', dpCert }] };
  return {
    image: { repository: 'registry.example/meshcert', tag: 'test' },
    envoy: { image: 'envoy' },
    meshes: [{ type: 'Mesh', name: 'default', mtls }],
    signer: { enabled: true },
    monitoring,
  };
}

/** With the Service by which others know it; its port is that of the pod, as names are all that our DNS tells. */
async function admitOrders(cluster: Cluster): Promise<PodToRun> {
  const pod = await admit(cluster, 'orders', {
    annotations: { 'meshcert.io/envoy': 'strict', 'meshcert.io/allow': idOf('web') },
  });
  await create(cluster, '/api/v1/namespaces/shop/services', {
    metadata: { name: 'orders' },
    spec: { selector: { app: 'orders' }, ports: [{ port: INBOUND, targetPort: 'mesh' }] },
  });
  return pod;
}

/** A pod with an account of its own, as it comes back from the API server. */
async function admit(
  cluster: Cluster,
  name: string,
  { annotations = {}, env = [] }: { annotations?: object; env?: readonly object[] } = {},
): Promise<PodToRun> {
  await cluster.createServiceAccount('shop', name);
  const container = { name: 'app', image: 'node', command: ['node', '-e', APP], env, ports: [{ containerPort: 8080 }] };
  const pod = {
    metadata: { name, labels: { app: name }, annotations },
    spec: { serviceAccountName: name, securityContext: { fsGroup: GROUP }, containers: [container] },
  };
  // As controllers do: the API server may not have seen yet which CA the webhook wrote for it.
  return eventually(`${name} is admitted`, () => create<PodToRun>(cluster, '/api/v1/namespaces/shop/pods', pod));
}

async function create<T>(cluster: Cluster, path: string, body: unknown): Promise<T> {
  const answer = await cluster.api<T>('POST', path, body);
  if (answer.status !== 201) throw new Error(`${path}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

async function inspect(t: Test, { cluster, directory, web }: Pick<ChartMesh, 'cluster' | 'directory' | 'web'>) {
  const account = await makeServiceAccount(cluster, directory, { name: 'watcher' });
  const kubeconfig = account.writeKubeconfig();
  const args = ['inspect', '--kubernetes', '--kubeconfig', kubeconfig];
  t.equal((await runMeshcert(args, { directory })).code, 1, 'without rights');
  const subject = ['--service-account', `${account.namespace}/${account.name}`];
  const printed = await runMeshcert(['setup', 'inspect', ...subject], { directory });
  for (const document of parseAllDocuments(printed.stdout)) {
    const manifest = document.toJS() as Manifest;
    await create(cluster, `/apis/rbac.authorization.k8s.io/v1/${manifest.kind.toLowerCase()}s`, manifest);
  }
  const list = async () => {
    const { stdout } = await runMeshcert(args, { directory });
    return stdout
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((line) => line.split(/ {2,}/).slice(0, 5));
  };
  const isWell = (pod: string) => ['shop', pod, 'OK', 'default', pod];
  t.same((await list()).sort(), [isWell('orders'), isWell('web')]);
  await web.container('meshcert').stop();
  t.match(await list(), [['shop', 'web', 'UNKNOWN'], isWell('orders')]);
}
