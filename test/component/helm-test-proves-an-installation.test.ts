import { join } from 'node:path';
import t from 'tap';
import { AGENT_CONFIG, NOBODY_ID } from '../../src/inject/names.ts';
import { WITH_SIGNER } from '../helpers/chart-values.ts';
import { openClusterNode } from '../helpers/cluster-node.ts';
import { eventually } from '../helpers/eventually.ts';
import { installChart, openHelm } from '../helpers/helm.ts';
import { startPodCluster } from '../helpers/pod-cluster.ts';
import { finishPod, runPod } from '../helpers/pod-runner.ts';
import type { PodToRun } from '../helpers/pod-volumes.ts';

const NAMESPACE = 'meshcert-system';
/** Of the test's pod, as whoever tries meshcert on this machine has it at the port 9902 of 127.0.0.1. */
const POD_ADDRESS = '127.3.1.9';
const TEST_POD = '/api/v1/namespaces/shop/pods/meshcert-test';
// Of its own: the webhook is registered for all namespaces.
const { directory, network, cluster } = await startPodCluster(t);
const node = openClusterNode(t, { cluster, network, directory });
const helm = openHelm({ directory, cluster });
await cluster.createNamespace('shop');
await cluster.createServiceAccount('shop', 'web');

await installChart(cluster, {
  release: 'meshcert',
  namespace: NAMESPACE,
  directory,
  values: {
    ...WITH_SIGNER,
    // Where it would be missed least.
    webhook: { failurePolicy: 'Ignore' },
    test: { namespace: 'shop', serviceAccountName: 'web' },
  },
});
const runTest = () => helm.run('test', 'meshcert', '--namespace', NAMESPACE, '--timeout', '60s');

t.test('without a webhook that answers, the test fails, and says what is missing', async (t) => {
  const { code, stderr } = await runTest();
  t.equal(code, 1);
  t.match(stderr, 'spec.containers[0].volumeMounts[0].name: Not found: "meshcert-admin"');
});

t.test('with webhook and signer its pod is injected, gets a certificate, and ends well', async (t) => {
  await Promise.all(['meshcert-webhook', 'meshcert-signer-default'].map((name) => node.runDeployment(NAMESPACE, name)));
  await node.serve(NAMESPACE, 'meshcert-webhook');
  await eventually('the API server knows the webhook', async () => {
    const path = '/api/v1/namespaces/shop/pods?dryRun=All';
    const metadata = { name: 'probe', labels: { 'meshcert.io/inject': 'enabled' } };
    const spec = { serviceAccountName: 'web', containers: [{ name: 'app', image: 'app' }] };
    return (await cluster.api<PodToRun>('POST', path, { metadata, spec })).body.spec?.initContainers !== undefined;
  });

  const tested = runTest();
  const pod = await eventually('helm has made the pod', async () => {
    const { status, body } = await cluster.api<PodToRun>('GET', TEST_POD);
    return status === 200 && body;
  });
  const options = { cluster, directory: join(directory, 'test'), address: POD_ADDRESS };
  const running = await runPod(t, { pod: ownFiles(pod), ...options });
  await finishPod(pod, running);
  t.equal(running.container('test').output(), 'ready\n');
  // What the kubelet does.
  await cluster.api('PUT', `${TEST_POD}/status`, { ...pod, status: { phase: 'Succeeded' } });
  const { code, stdout, stderr } = await tested;
  t.equal(code, 0, stderr);
  t.match(stdout, /TEST SUITE: +meshcert-test[\s\S]*Phase: +Succeeded/);
  await eventually('helm has taken it away', async () => (await cluster.api('GET', TEST_POD)).status === 404);
});

/** With the group of whoever runs this test: to give files to another one takes root. */
function ownFiles(pod: PodToRun): PodToRun {
  const { metadata } = pod;
  const config = metadata.annotations?.[AGENT_CONFIG]?.replaceAll(String(NOBODY_ID), String(process.getgid?.()));
  return { ...pod, metadata: { ...metadata, annotations: { ...metadata.annotations, [AGENT_CONFIG]: config ?? '' } } };
}
