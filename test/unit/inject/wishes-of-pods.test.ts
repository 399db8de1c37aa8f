import t from 'tap';
import { parseAllDocuments } from 'yaml';
import { inject, openSettings, VAULT_MESH } from './inject-bench.ts';

const annotated = (wishes: Record<string, string>) => ({
  metadata: {
    labels: { app: 'web' },
    annotations: Object.fromEntries(Object.entries(wishes).map(([name, value]) => [`meshcert.io/${name}`, value])),
  },
});
/** The Agent document. */
const read = (wishes: Record<string, string>, more = {}) => {
  const { pod } = inject({ ...annotated(wishes), ...more });
  return parseAllDocuments(pod.metadata.annotations['meshcert.io/agent-config'] ?? '')
    .at(-1)
    ?.toJS();
};
const fail = (wishes: Record<string, string>, expected: RegExp) =>
  t.throws(() => inject(annotated(wishes)), { code: 'ERR_CONFIG', message: expected });

t.test('the service: by annotation, label, or service account', async (t) => {
  t.equal(read({ service: 'shop' }).service, 'shop');
  t.equal(read({}).service, 'web');
  const labels = { app: 'x', 'app.kubernetes.io/name': 'named' };
  t.equal(read({}, { metadata: { labels } }).service, 'named');
  t.equal(read({}, { metadata: { labels: {} }, spec: { serviceAccountName: 'cart' } }).service, 'cart');
  t.throws(
    () => inject({ metadata: { labels: {} }, spec: { serviceAccountName: 'default' } }),
    /nothing says which service/,
  );
  fail({ service: 'a b' }, /^meshcert\.io\/service: /);
});

t.test('whether: the pod goes before its namespace', async (t) => {
  const isInjected = (pod: string | undefined, namespace: string | undefined) =>
    inject({
      metadata: { labels: { app: 'web', ...(pod && { 'meshcert.io/inject': pod }) } },
      namespace: { labels: namespace === undefined ? {} : { 'meshcert.io/inject': namespace } },
    }).operations.length > 0;
  t.ok(isInjected(undefined, 'enabled'));
  t.ok(isInjected('enabled', 'disabled'));
  t.ok(isInjected('enabled', undefined));
  t.notOk(isInjected(undefined, undefined));
  t.notOk(isInjected('disabled', 'enabled'));
  t.throws(() => isInjected('true', 'enabled'), /is "true", expected enabled or disabled/);
  t.throws(() => isInjected(undefined, 'on'), /is "on", expected enabled or disabled/);
});

t.test('a backend: label or annotation, of the pod or its namespace', async (t) => {
  const documents = VAULT_MESH + VAULT_MESH.slice(VAULT_MESH.indexOf('  - name')).replaceAll('vault-1', 'vault-2');
  const settings = await openSettings({ documents });
  const backend = (metadata: object, namespace = {}) =>
    read({}, { metadata, settings, namespace: { labels: { 'meshcert.io/inject': 'enabled', ...namespace } } }).backend;
  t.equal(backend({ labels: { app: 'web' } }), undefined);
  const label = (name: string) => ({ 'meshcert.io/backend': name });
  t.equal(backend({ labels: { app: 'web' } }, label('vault-2')), 'vault-2');
  t.equal(backend({ labels: { app: 'web', ...label('vault-1') } }, label('vault-2')), 'vault-1');
  t.equal(backend({ labels: { app: 'web' }, annotations: label('vault-2') }), 'vault-2');
  t.throws(
    () => backend({ labels: { app: 'web', ...label('vault-1') }, annotations: label('vault-2') }),
    /they differ/,
  );
  t.throws(
    () => backend({ labels: { app: 'web', ...label('vault3') } }),
    /meshcert\.io\/backend: expected the name of a backend \(vault-1, vault-2\)/,
  );
});

t.test('what is delivered, and where', async (t) => {
  t.match(read({ outputs: 'files, sds,workload-api', 'mount-path': '/run/id/' }), {
    deliver: {
      files: [{ directory: '/run/id', keyMode: '0640' }],
      sds: { socket: '/run/id/sds.sock', mode: '0660' },
      workloadApi: { socket: '/run/id/workload.sock' },
    },
  });
  t.notOk('files' in read({ outputs: 'sds' }).deliver);
  const { pod } = inject(annotated({ outputs: 'workload-api' }));
  t.match(pod.spec.containers[0]?.env, [
    { name: 'SPIFFE_ENDPOINT_SOCKET', value: 'unix:///var/run/meshcert/workload.sock' },
  ]);
  const env = [{ name: 'SPIFFE_ENDPOINT_SOCKET', value: 'mine' }];
  const own = inject({ ...annotated({ outputs: 'workload-api' }), spec: { containers: [{ name: 'web', env }] } });
  t.same(own.pod.spec.containers[0]?.env, env);
});

t.test('life, callers, resources, port', async (t) => {
  t.equal(read({ expiration: '90m' }).rotation.expiration, '90m');
  t.same(read({ allow: 'spiffe://default/a, spiffe://default/b/*' }).allow, [
    'spiffe://default/a',
    'spiffe://default/b/*',
  ]);
  const resources = '{requests: {cpu: 5m}, limits: {memory: 1Gi, cpu: 2}}';
  const { pod } = inject(annotated({ resources, 'telemetry-port': '9000' }));
  t.match(pod.spec.initContainers[0], {
    resources: { requests: { cpu: '5m' }, limits: { memory: '1Gi', cpu: 2 } },
    ports: [{ name: 'mesh-metrics', containerPort: 9000 }],
    readinessProbe: { httpGet: { port: 9000 } },
  });
});

t.test('what is wrong is told by its annotation', async () => {
  fail({ expiration: '90' }, /^meshcert\.io\/expiration: expected a duration/);
  fail({ mesh: 'other' }, /^meshcert\.io\/mesh: expected the name of a Mesh/);
  fail({ allow: 'default/a' }, /^meshcert\.io\/allow: /);
  fail(
    { outputs: 'files, jwt' },
    /^the annotation meshcert\.io\/outputs cannot be used: expected files, sds, workload-api, got "jwt"/,
  );
  fail({ 'mount-path': 'run' }, /mount-path cannot be used: expected an absolute path/);
  fail({ 'telemetry-port': '99999' }, /telemetry-port cannot be used: expected a port/);
  fail({ resources: '{request: {cpu: 1}}' }, /resources cannot be used: expected requests, limits, got "request"/);
  fail({ resources: '{limits: {cpu: much}}' }, /limits\.cpu is no quantity/);
  fail({ resources: '{' }, /resources cannot be used: it is no YAML/);
  fail({ envoy: 'on' }, /envoy cannot be used: expected strict, permissive, off, got "on"/);
  fail({ envoi: 'off' }, /the pod has the annotation meshcert\.io\/envoi, which is none/);
  fail({ service: '' }, /meshcert\.io\/service of the pod is empty/);
  fail({ inject: 'enabled' }, /has meshcert\.io\/inject as an annotation/);
  t.throws(
    () => inject({ metadata: { labels: { app: 'web', 'meshcert.io/envoy': 'strict' } } }),
    /has meshcert\.io\/envoy as a label/,
  );
});

t.test('tokens for every backend that is logged in to with one', async (t) => {
  const second = VAULT_MESH.slice(VAULT_MESH.indexOf('  - name'))
    .replaceAll('vault-1', 'vault-2')
    .replace('/var/run/secrets/tokens/vault', '/var/run/secrets/other/token')
    .replace('audience: vault', 'audience: other');
  const { pod } = inject({ settings: await openSettings({ documents: VAULT_MESH + second }) });
  t.match(pod.spec.volumes.slice(3), [
    { name: 'meshcert-token', projected: { sources: [{ serviceAccountToken: { path: 'vault', audience: 'vault' } }] } },
    {
      name: 'meshcert-token-2',
      projected: { sources: [{ serviceAccountToken: { path: 'token', audience: 'other' } }] },
    },
  ]);
});

t.test('with a ConfigMap the Mesh stays in it', async (t) => {
  const { pod } = inject({ settings: await openSettings({ configMap: 'meshcert' }) });
  t.match(pod.spec.initContainers[0], {
    args: ['run', '-c', '/etc/meshcert/agent.yaml', '-c', '/etc/meshcert/mesh.yaml'],
  });
  t.notMatch(pod.metadata.annotations['meshcert.io/agent-config'], /type: Mesh/);
  t.match(pod.spec.volumes[2], { projected: { sources: [{}, { configMap: { name: 'meshcert' } }] } });
});

t.test('an Envoy that is fed by SDS', async (t) => {
  const wishes = {
    envoy: 'permissive',
    'envoy-outbound': 'backend=backend.shop.svc:10443',
    allow: 'spiffe://default/a',
  };
  const ports = [{ containerPort: 3000 }];
  const spec = { containers: [{ name: 'web', ports }] };
  const { pod } = inject({ ...annotated(wishes), spec });
  t.same(
    pod.spec.initContainers.map(({ name }) => name),
    ['meshcert', 'meshcert-envoy'],
  );
  t.match(pod.spec.initContainers[1], { restartPolicy: 'Always', ports: [{ name: 'mesh', containerPort: 10_443 }] });
  const config = pod.metadata.annotations['meshcert.io/envoy-config'];
  t.match(config, 'mode PERMISSIVE');
  t.match(config, '/var/run/meshcert/sds.sock');
  t.match(config, 'port_value: 3000');
  t.match(config, 'spiffe://default/backend');
  t.throws(() => inject(annotated({ envoy: 'strict' })), /no container declares the port/);
  t.throws(
    () => inject({ ...annotated({ envoy: 'strict', 'envoy-app': '127.0.0.1:10443' }), spec }),
    /would both listen on port 10443/,
  );
  t.throws(
    () => inject({ ...annotated({ envoy: 'strict', 'envoy-outbound': 'backend' }), spec }),
    /envoy-outbound cannot be used/,
  );
  const settings = await openSettings({ envoyImage: undefined });
  t.throws(() => inject({ ...annotated({ envoy: 'strict' }), spec, settings }), /was given no image of Envoy/);
});

t.test("secrets do not get into pods, and what is each pod's own not into all", async (t) => {
  const secret = VAULT_MESH.replace(/auth:.*/, 'auth: {token: {inlineString: SENSITIVE}}');
  await t.rejects(openSettings({ documents: secret }), /has the value of "token" in the configuration/);
  await t.rejects(
    openSettings({ documents: `${VAULT_MESH}---\ntype: Agent\nservice: web\n` }),
    /the Agent document has "service"/,
  );
  await t.rejects(openSettings({ documents: 'type: Agent\n' }), /there is no Mesh document/);
  const common = {
    settings: await openSettings({
      documents: `${VAULT_MESH}---\ntype: Agent\nspiffeId: /ns/{namespace}/sa/{serviceAccount}\n`,
    }),
  };
  t.equal(read({}, common).spiffeId, '/ns/{namespace}/sa/{serviceAccount}');
});
