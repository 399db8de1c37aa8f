import t from 'tap';
import { LEAST, SIGNED_MESH, WITH_SIGNER } from '../helpers/chart-values.ts';
import { openClusterNode } from '../helpers/cluster-node.ts';
import { eventually } from '../helpers/eventually.ts';
import { CHART, installChart, type Manifest, openHelm } from '../helpers/helm.ts';
import { startPodCluster } from '../helpers/pod-cluster.ts';
import { requestJson } from '../helpers/request-json.ts';
import { uniqueName } from '../helpers/unique-name.ts';

const NAMESPACE = 'meshcert-system';
// Of its own: the webhook is registered for all namespaces.
const { directory, network, cluster } = await startPodCluster(t);
const node = openClusterNode(t, { cluster, network, directory });
const helm = openHelm({ directory, cluster });

const notes = await installChart(cluster, { release: 'meshcert', namespace: NAMESPACE, values: LEAST, directory });
await node.runDeployment(NAMESPACE, 'meshcert-webhook');
await node.serve(NAMESPACE, 'meshcert-webhook');

interface Kept {
  readonly secret: Readonly<Record<string, string>>;
  readonly bundles: readonly (string | undefined)[];
}

interface Registration {
  readonly webhooks: readonly {
    readonly failurePolicy: string;
    readonly clientConfig: { readonly caBundle?: string };
  }[];
}

const readRegistration = async () =>
  (
    await cluster.api<Registration>(
      'GET',
      '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/meshcert',
    )
  ).body;

async function readKept(): Promise<Kept> {
  const path = `/api/v1/namespaces/${NAMESPACE}/secrets/meshcert-webhook`;
  const { body } = await cluster.api<{ data?: Record<string, string> }>('GET', path);
  const { webhooks } = await readRegistration();
  return { secret: body.data ?? {}, bundles: webhooks.map(({ clientConfig }) => clientConfig.caBundle) };
}

let made = await eventually('the webhook has made its certificate, and told the API server of it', async () => {
  const kept = await readKept();
  return kept.bundles.every((bundle) => bundle !== undefined) && kept;
});

/** @returns the answer to a pod that wants an agent. */
async function askForPod(name: string) {
  const metadata = { name, labels: { 'meshcert.io/inject': 'enabled' }, annotations: { 'meshcert.io/service': 'web' } };
  const spec = { serviceAccountName: 'web', containers: [{ name: 'app', image: 'app' }] };
  const path = '/api/v1/namespaces/shop/pods';
  return cluster.api<{ spec: { initContainers?: { name: string }[] }; message?: string }>('POST', path, {
    metadata,
    spec,
  });
}
await cluster.createNamespace('shop');
await cluster.createServiceAccount('shop', 'web');

t.test('installed, it injects pods as its own service account', async (t) => {
  t.match(notes, 'helm test meshcert -n meshcert-system');
  t.match(notes, 'Pods that ask for an Envoy are refused');
  const { status, body } = await askForPod('first');
  t.equal(status, 201, String(body.message));
  t.equal(body.spec.initContainers?.[0]?.name, 'meshcert');
  t.same(Object.keys(made.secret).sort(), ['ca.crt', 'tls.crt', 'tls.key']);
});

t.test('an upgrade changes what is asked for, and neither the certificate nor the caBundle', async (t) => {
  const values = helm.writeValues({ ...LEAST, webhook: { failurePolicy: 'Ignore', excludedNamespaces: ['other'] } });
  for (const args of [[], [], ['--set', 'webhook.failurePolicy=Fail']]) {
    const { code, stderr } = await helm.run('upgrade', 'meshcert', CHART, '-n', NAMESPACE, '-f', values, ...args);
    t.equal(code, 0, stderr);
    t.same(await readKept(), made);
    const wanted = args.length === 0 ? 'Ignore' : 'Fail';
    const { webhooks } = await readRegistration();
    t.same(
      webhooks.map(({ failurePolicy }) => failurePolicy),
      [wanted, wanted],
    );
  }
  const { code, stderr } = await helm.run('rollback', 'meshcert', '1', '-n', NAMESPACE);
  t.equal(code, 0, stderr);
  t.same(await readKept(), made);
  t.equal((await askForPod('second')).status, 201);
});

t.test('nor does server-side apply of what is rendered, as GitOps tools do it', async (t) => {
  const rendered = await helm.render({ ...LEAST, webhook: { timeoutSeconds: 7 } });
  for (let times = 0; times < 2; times += 1) {
    for (const manifest of rendered) {
      if (manifest.metadata.annotations?.['helm.sh/hook'] !== undefined) continue;
      await apply(manifest);
    }
    t.same(await readKept(), made);
  }
  t.equal((await askForPod('third')).status, 201);
});

t.test('what is replaced by force is made again', async (t) => {
  const values = helm.writeValues(LEAST);
  const { code, stderr } = await helm.run('upgrade', 'meshcert', CHART, '-n', NAMESPACE, '-f', values, '--force');
  t.equal(code, 0, stderr);
  t.same((await readKept()).bundles, [undefined, undefined]);
  const answered = await eventually('pods are injected again', async () => {
    const answer = await askForPod(uniqueName('forced'));
    return answer.status === 201 && answer;
  });
  t.equal(answered.body.spec.initContainers?.[0]?.name, 'meshcert');
  made = await readKept();
});

t.test('a changed mesh and a signer come by an upgrade too', async (t) => {
  const values = helm.writeValues({ ...WITH_SIGNER, meshes: [...LEAST.meshes, SIGNED_MESH] });
  const { code, stderr } = await helm.run('upgrade', 'meshcert', CHART, '-n', NAMESPACE, '-f', values);
  t.equal(code, 0, stderr);
  t.same(await readKept(), made);
  await node.runDeployment(NAMESPACE, 'meshcert-signer-default');
  await eventually('the signer has published its CA', async () => {
    const path = `/api/v1/namespaces/${NAMESPACE}/configmaps/meshcert-trust-default`;
    return (await cluster.api('GET', path)).status === 200;
  });
});

t.test('uninstalled, no pod waits for it any more, and nothing is left but what the signer made', async (t) => {
  const { code, stderr } = await helm.run('uninstall', 'meshcert', '-n', NAMESPACE);
  t.equal(code, 0, stderr);
  const { status, body } = await askForPod('last');
  t.equal(status, 201, String(body.message));
  t.equal(body.spec.initContainers, undefined);
  const left = async (kind: string) => {
    const path = `/api/v1/namespaces/${NAMESPACE}/${kind}`;
    const { items } = (await cluster.api<{ items: { metadata: { name: string } }[] }>('GET', path)).body;
    return items.map(({ metadata }) => metadata.name).sort();
  };
  t.same(await left('secrets'), ['default.ca-builtin-cert-ca-1', 'default.ca-builtin-key-ca-1']);
  t.same(await left('configmaps'), ['meshcert-trust-default']);
});

/** As `kubectl apply --server-side` does, by somebody who is not helm. */
async function apply(manifest: Manifest): Promise<void> {
  const { apiVersion, kind, metadata } = manifest;
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const place = metadata.namespace === undefined ? '' : `/namespaces/${metadata.namespace}`;
  const plural = kind.endsWith('y') ? `${kind.slice(0, -1)}ies` : `${kind}s`;
  const path = `${root}${place}/${plural.toLowerCase()}/${metadata.name}?fieldManager=gitops&force=true`;
  const { status, body } = await requestJson<{ message?: string }>(`${cluster.url}${path}`, {
    method: 'PATCH',
    body: manifest,
    caPem: cluster.caPem,
    headers: { authorization: `Bearer ${cluster.adminToken}`, 'content-type': 'application/apply-patch+yaml' },
  });
  if (status >= 300) throw new Error(`${kind} ${metadata.name}: ${status} ${body.message}`);
}
