import { join } from 'node:path';
import t from 'tap';
import { eventually } from '../helpers/eventually.ts';
import { renderBuiltinMesh } from '../helpers/kong-mesh.ts';
import { startKubeApiserver } from '../helpers/kube-apiserver.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { setUpWebhook } from '../helpers/webhook-bench.ts';

const directory = temporaryDirectory(t);
const cluster = await startKubeApiserver({ directory: join(directory, 'cluster') });
t.teardown(() => cluster.stop());
const bench = await setUpWebhook(t, cluster, { directory, meshYaml: renderBuiltinMesh('1h') });
const replica = await bench.startReplica();
await bench.lead(replica.port);
const namespace = await bench.createNamespace({ labels: { 'meshcert.io/inject': 'enabled' } });

async function isInjected(): Promise<boolean> {
  const pod = {
    metadata: { name: 'web', labels: { app: 'web' } },
    spec: { serviceAccountName: 'web', containers: [{ name: 'web', image: 'web' }] },
  };
  const path = `/api/v1/namespaces/${namespace}/pods?dryRun=All`;
  const { body } = await cluster.api<{ spec?: { initContainers?: object[] } }>('POST', path, pod);
  return body.spec?.initContainers?.length === 1;
}

t.test('a restart of the API server', async (t) => {
  t.ok(await isInjected());
  await cluster.restart();
  t.ok(await eventually('pods are injected again', isInjected));
});

t.test('a caBundle that somebody has overwritten', async (t) => {
  const path = `/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/${bench.name}`;
  const { caBundle: before } = (await bench.readConfiguration()).webhooks[0]?.clientConfig ?? {};
  const configuration = await bench.readConfiguration();
  const webhooks = configuration.webhooks.map(({ clientConfig: { url }, ...rest }) => ({
    ...rest,
    clientConfig: { url },
  }));
  await cluster.api('PUT', path, { ...configuration, webhooks });
  await eventually(
    'it is there again',
    async () => {
      const { webhooks: now } = await bench.readConfiguration();
      return now.every(({ clientConfig }) => clientConfig.caBundle === before);
    },
    { timeoutMs: 40_000 },
  );
  t.ok(await eventually('pods are injected again', isInjected));
});

t.test('a Secret that somebody has deleted', async (t) => {
  const path = `/api/v1/namespaces/${bench.namespace}/secrets/${bench.name}`;
  await cluster.api('DELETE', path);
  await eventually('it is there again', async () => (await cluster.api('GET', path)).status === 200, {
    timeoutMs: 40_000,
  });
  t.ok(await eventually('pods are injected again', isInjected));
});
