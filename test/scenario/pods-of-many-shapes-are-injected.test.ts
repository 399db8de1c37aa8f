import t, { type Test } from 'tap';
import { renderKubernetesAuth, renderVaultMesh } from '../helpers/kong-mesh.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { setUpWebhook } from '../helpers/webhook-bench.ts';

const { cluster } = await sharedPeers(t);
const auth = renderKubernetesAuth({ role: 'web', tokenPath: '/var/run/secrets/tokens/vault', audience: 'vault' });
const meshYaml = renderVaultMesh({ address: 'https://vault.vault.svc:8200', auth });
const bench = await setUpWebhook(t, cluster, { directory: temporaryDirectory(t), meshYaml });
const replica = await bench.startReplica(['--envoy-image', 'registry.example/envoy:test']);
await bench.lead(replica.port);

interface Container {
  readonly name: string;
  readonly restartPolicy?: string;
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean }[];
}
interface Pod {
  readonly metadata: { readonly labels?: Record<string, string>; readonly annotations?: Record<string, string> };
  readonly spec: {
    readonly containers: readonly Container[];
    readonly initContainers?: readonly Container[];
    readonly volumes: readonly {
      readonly name: string;
      readonly projected?: { readonly sources: readonly object[] };
    }[];
    readonly securityContext?: { readonly fsGroup?: number; readonly supplementalGroups?: readonly number[] };
  };
  readonly message?: string;
}

/** Creates the pod and reads it back; or what the API server says against it. */
async function create(namespace: string, { metadata = {}, spec = {}, query = '' }: Wanted = {}): Promise<Pod> {
  const pod = {
    metadata: { generateName: 'web-', labels: { app: 'web' }, ...metadata },
    spec: { serviceAccountName: 'web', containers: [{ name: 'web', image: 'web' }], ...spec },
  };
  const pods = `/api/v1/namespaces/${namespace}/pods`;
  const { status, body } = await cluster.api<Pod & { metadata: { name: string } }>('POST', `${pods}${query}`, pod);
  if (status >= 300 || query !== '') return body;
  return (await cluster.api<Pod>('GET', `${pods}/${body.metadata.name}`)).body;
}
interface Wanted {
  readonly metadata?: object;
  readonly spec?: object;
  readonly query?: string;
}

const enabled = await bench.createNamespace({ labels: { 'meshcert.io/inject': 'enabled' } });
const silent = await bench.createNamespace();
const names = (list: readonly { readonly name: string }[] = []) => list.map(({ name }) => name);

function expectInjected(t: Test, { metadata, spec }: Pod): void {
  t.match(metadata.labels, { 'meshcert.io/injected': 'true' });
  t.match(
    spec.initContainers?.[0],
    { name: 'meshcert', restartPolicy: 'Always' },
    'a native sidecar, before all others',
  );
  for (const container of spec.containers) {
    const mounts = container.volumeMounts?.filter(({ name }) => name === 'meshcert');
    t.match(mounts, [{ mountPath: '/var/run/meshcert', readOnly: true }], container.name);
  }
}

t.test('a plain pod', async (t) => {
  const pod = await create(enabled);
  expectInjected(t, pod);
  t.same(pod.spec.securityContext?.supplementalGroups, [65_532], 'may read the key, whatever its user');
  const token = pod.spec.volumes.find(({ name }) => name === 'meshcert-token');
  const serviceAccountToken = { audience: 'vault', expirationSeconds: 3600, path: 'vault' };
  t.match(token?.projected?.sources, [{ serviceAccountToken }]);
  t.match(pod.metadata.annotations?.['meshcert.io/agent-config'], 'service: web\n');
  const own = pod.spec.initContainers?.[0]?.volumeMounts?.map(({ mountPath }) => mountPath) ?? [];
  t.ok(own.includes('/var/run/secrets/kubernetes.io/serviceaccount'), 'it may ask the API server, too');
});

t.test('what says nothing is left alone, and a pod goes before its namespace', async (t) => {
  t.notOk((await create(silent)).spec.initContainers);
  expectInjected(t, await create(silent, { metadata: { labels: { app: 'web', 'meshcert.io/inject': 'enabled' } } }));
  const out = await create(enabled, { metadata: { labels: { app: 'web', 'meshcert.io/inject': 'disabled' } } });
  t.notOk(out.spec.initContainers);
});

t.test('pods with init containers, other sidecars, users and groups keep them', async (t) => {
  const pod = await create(enabled, {
    spec: {
      securityContext: { runAsUser: 1000, fsGroup: 2000, supplementalGroups: [3000] },
      initContainers: [
        { name: 'migrate', image: 'migrate' },
        { name: 'logs', image: 'logs', restartPolicy: 'Always' },
      ],
      containers: [
        { name: 'web', image: 'web', volumeMounts: [{ name: 'cache', mountPath: '/cache' }] },
        { name: 'other', image: 'other', securityContext: { runAsUser: 1001 } },
      ],
      volumes: [{ name: 'cache', emptyDir: {} }],
    },
  });
  expectInjected(t, pod);
  t.same(names(pod.spec.initContainers), ['meshcert', 'migrate', 'logs']);
  t.match(pod.spec.securityContext, { runAsUser: 1000, fsGroup: 2000, supplementalGroups: [3000] });
  t.match(pod.metadata.annotations?.['meshcert.io/agent-config'], 'group: 2000\n', 'the volumes are of that group');
});

t.test('pods that end are let end', async (t) => {
  expectInjected(t, await create(enabled, { spec: { restartPolicy: 'Never' } }));
});

t.test('the restricted Pod Security Standard lets them in', async (t) => {
  const labels = { 'meshcert.io/inject': 'enabled', 'pod-security.kubernetes.io/enforce': 'restricted' };
  const restricted = await bench.createNamespace({ labels });
  const securityContext = {
    runAsNonRoot: true,
    runAsUser: 1000,
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    seccompProfile: { type: 'RuntimeDefault' },
  };
  const containers = [{ name: 'web', image: 'web', ports: [{ containerPort: 8080 }], securityContext }];
  const annotations = { 'meshcert.io/envoy': 'strict', 'meshcert.io/outputs': 'files, workload-api' };
  const pod = await create(restricted, { metadata: { annotations }, spec: { containers } });
  t.equal(pod.message, undefined);
  expectInjected(t, pod);
  t.same(names(pod.spec.initContainers), ['meshcert', 'meshcert-envoy']);
});

t.test('what was injected is not injected again', async (t) => {
  const { metadata, spec } = await create(enabled);
  const { labels, annotations } = metadata;
  const again = await create(enabled, { metadata: { labels, annotations }, spec });
  t.same(names(again.spec.initContainers), ['meshcert']);
  t.same(again.spec.volumes, spec.volumes);
});

t.test('a dry run is answered like any other', async (t) => {
  expectInjected(t, await create(enabled, { query: '?dryRun=All' }));
});

t.test('what cannot be is said to who made the pod', async (t) => {
  const refusals: readonly [Wanted, RegExp][] = [
    [
      { metadata: { annotations: { 'meshcert.io/envoi': 'strict' } } },
      /meshcert\.io\/envoi, .*did you mean meshcert\.io\/envoy\?/,
    ],
    [{ metadata: { annotations: { 'meshcert.io/outputs': 'file' } } }, /expected files, sds, workload-api, got "file"/],
    [
      { metadata: { annotations: { 'meshcert.io/backend': 'vault1' } } },
      /meshcert\.io\/backend: .*did you mean "vault-1"\?/,
    ],
    [{ metadata: { labels: { app: 'web', 'meshcert.io/inject': 'yes' } } }, /is "yes", expected enabled or disabled/],
    [{ spec: { containers: [{ name: 'meshcert', image: 'web' }] } }, /the pod has a container "meshcert" of its own/],
    [{ spec: { volumes: [{ name: 'meshcert', emptyDir: {} }] } }, /the pod has a volume "meshcert" of its own/],
  ];
  for (const [wanted, expected] of refusals) {
    const { message } = await create(enabled, wanted);
    t.match(message, /^admission webhook "namespace\.inject\.meshcert\.io" denied the request: /);
    t.match(message, expected);
  }
});

t.test('the namespace picks a backend, and the pod another one', async (t) => {
  const labels = { 'meshcert.io/inject': 'enabled', 'meshcert.io/backend': 'vault-1' };
  const namespace = await bench.createNamespace({ labels, annotations: { 'meshcert.io/expiration': '1h' } });
  const config = (pod: Pod) => pod.metadata.annotations?.['meshcert.io/agent-config'];
  t.match(config(await create(namespace)), /backend: vault-1\nrotation:\n {2}expiration: 1h\n/);
  const own = await create(namespace, { metadata: { annotations: { 'meshcert.io/expiration': '2h' } } });
  t.match(config(own), /expiration: 2h\n/);
});
