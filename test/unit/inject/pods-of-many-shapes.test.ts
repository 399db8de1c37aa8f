import t from 'tap';
import { inject, injectAsItIs, nameAll, openSettings } from './inject-bench.ts';

t.test('a plain pod: a native sidecar, its volumes, and the mount', async (t) => {
  const { pod, warnings } = inject();
  t.same(warnings, []);
  t.same(nameAll(pod.spec.initContainers), ['meshcert']);
  t.match(pod.spec.initContainers[0], {
    image: 'meshcert:1',
    args: ['run', '-c', '/etc/meshcert/agent.yaml'],
    restartPolicy: 'Always',
    startupProbe: { exec: { command: ['meshcert', 'healthcheck'] } },
    securityContext: { runAsNonRoot: true, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
  });
  t.same(nameAll(pod.spec.volumes), ['meshcert', 'meshcert-admin', 'meshcert-config', 'meshcert-token']);
  t.match(pod.spec.volumes[0], { emptyDir: { medium: 'Memory', sizeLimit: '4Mi' } });
  t.same(pod.spec.containers[0]?.volumeMounts, [{ name: 'meshcert', mountPath: '/var/run/meshcert', readOnly: true }]);
  t.match(pod.metadata.labels, { app: 'web', 'meshcert.io/injected': 'true' });
});

t.test('who may read the key', async (t) => {
  const group = (spec: object) =>
    /group: (\d+)/.exec(inject({ spec }).pod.metadata.annotations['meshcert.io/agent-config'] ?? '')?.[1];
  const context = (spec: object) => inject({ spec }).pod.spec.securityContext;

  t.same(context({}), { supplementalGroups: [65_532] }, 'a group that all containers are in');
  t.equal(group({}), '65532');
  const root = { securityContext: { runAsUser: 0 } };
  t.same(context(root), { runAsUser: 0, supplementalGroups: [65_532] });
  t.match(inject({ spec: root }).pod.spec.initContainers[0], { securityContext: { runAsUser: 65_532 } });
  const others = { securityContext: { runAsUser: 1000, supplementalGroups: [7] } };
  t.same(context(others), { runAsUser: 1000, supplementalGroups: [7, 65_532] });
  const owned = { securityContext: { fsGroup: 2000 } };
  t.same(context(owned), { fsGroup: 2000 }, 'unchanged where the volumes have a group');
  t.equal(group(owned), '2000');
  t.same(context({ securityContext: { supplementalGroups: [65_532] } }), { supplementalGroups: [65_532] });
});

t.test('empty things are as good as none', async (t) => {
  const spec = {
    initContainers: null,
    volumes: [],
    securityContext: null,
    containers: [{ name: 'web', volumeMounts: null, env: [] }],
  };
  const { pod } = inject({ metadata: { annotations: null }, spec });
  t.same(nameAll(pod.spec.initContainers), ['meshcert']);
  const template = { spec: { serviceAccountName: 'web', containers: [{ name: 'web' }] } };
  t.match(injectAsItIs(template, { labels: { 'meshcert.io/inject': 'enabled' } }).pod, {
    metadata: { labels: { 'meshcert.io/injected': 'true' } },
  });
});

t.test('every container gets the mount, and ours stand first', async (t) => {
  const spec = {
    initContainers: [{ name: 'migrate' }, { name: 'logs', restartPolicy: 'Always' }],
    containers: [{ name: 'web', volumeMounts: [{ name: 'cache', mountPath: '/cache' }] }, { name: 'other' }],
    volumes: [{ name: 'cache', emptyDir: {} }],
  };
  const { pod } = inject({ spec });
  t.same(nameAll(pod.spec.initContainers), ['meshcert', 'migrate', 'logs']);
  for (const { name, volumeMounts } of [...pod.spec.initContainers.slice(1), ...pod.spec.containers]) {
    t.ok(nameAll(volumeMounts).includes('meshcert'), name);
  }
});

t.test('without native sidecars', async (t) => {
  const settings = await openSettings({ sidecar: 'container' });
  const { pod, warnings } = inject({ settings, spec: { initContainers: [{ name: 'migrate' }] } });
  t.same(nameAll(pod.spec.initContainers), ['meshcert-init', 'migrate'], 'the certificate is there before all others');
  t.match(pod.spec.initContainers[0], { args: ['run', '-c', '/etc/meshcert/agent.yaml', '--once'] });
  t.same(nameAll(pod.spec.containers), ['web', 'meshcert']);
  t.notOk('restartPolicy' in (pod.spec.containers[1] ?? {}));
  t.same(warnings, []);

  const job = inject({ settings, spec: { restartPolicy: 'OnFailure' } });
  t.same(nameAll(job.pod.spec.containers), ['web'], 'nothing keeps a Job from ending');
  t.match(job.warnings, [/is not replaced/]);
  const annotations = { 'meshcert.io/outputs': 'sds' };
  t.throws(
    () => inject({ settings, spec: { restartPolicy: 'Never' }, metadata: { annotations } }),
    /a pod that ends can be given files only/,
  );
});

t.test('what was injected gets only what a container lacks that came later', async (t) => {
  const { pod } = inject();
  const namespace = { labels: { 'meshcert.io/inject': 'enabled' } };
  t.same(injectAsItIs(pod, namespace).operations, []);
  const later = structuredClone(pod) as unknown as { spec: { containers: object[] } };
  later.spec.containers.push({ name: 'later' });
  const again = injectAsItIs(later, namespace);
  t.equal(again.operations.length, 2);
  t.match(again.pod.spec.containers[1], { name: 'later', volumeMounts: [{ name: 'meshcert' }] });
  const settings = await openSettings({ sidecar: 'container' });
  t.same(injectAsItIs(inject({ settings, spec: { restartPolicy: 'Never' } }).pod, namespace, settings).operations, []);
});

t.test("an emptyDir of the pod's own", async (t) => {
  const annotations = { 'meshcert.io/volume': 'certs' };
  const containers = [{ name: 'web', volumeMounts: [{ name: 'certs', mountPath: '/etc/ssl/mine' }] }];
  const { pod } = inject({
    metadata: { annotations },
    spec: { containers, volumes: [{ name: 'certs', emptyDir: {} }] },
  });
  t.same(nameAll(pod.spec.volumes), ['certs', 'meshcert-admin', 'meshcert-config', 'meshcert-token']);
  t.same(pod.spec.containers[0]?.volumeMounts, containers[0]?.volumeMounts, 'it has it where it wants it');
  t.match(pod.spec.initContainers[0]?.volumeMounts, [{ name: 'certs', mountPath: '/var/run/meshcert' }]);
  t.throws(() => inject({ metadata: { annotations } }), /"certs": the pod has no volume of that name/);
  const volumes = [{ name: 'certs', secret: { secretName: 'x' } }];
  t.throws(() => inject({ metadata: { annotations }, spec: { volumes } }), /"certs": it is no emptyDir/);
});

t.test('names and places that are taken are told', async (t) => {
  for (const name of ['meshcert', 'meshcert-init', 'meshcert-envoy']) {
    t.throws(() => inject({ spec: { containers: [{ name }] } }), {
      message: `the pod has a container "${name}" of its own`,
    });
  }
  for (const name of ['meshcert', 'meshcert-token', 'meshcert-config']) {
    t.throws(() => inject({ spec: { volumes: [{ name, emptyDir: {} }] } }), {
      message: `the pod has a volume "${name}" of its own`,
    });
  }
  const volumeMounts = [{ name: 'x', mountPath: '/var/run/meshcert/' }];
  t.throws(
    () => inject({ spec: { containers: [{ name: 'web', volumeMounts }] } }),
    /has the volume "x" at \/var\/run\/meshcert, where/,
  );
  t.throws(() => inject({ spec: { os: { name: 'windows' } } }), /does not run on Windows/);
});

t.test('what is no pod is told, whatever it is', async (t) => {
  const spec = { containers: [{ name: 'web' }] };
  const wrong = [
    undefined,
    'pod',
    {},
    { spec: 1 },
    { spec: {} },
    { spec: { containers: [] } },
    { spec: { containers: 'web' } },
    { spec: { containers: [1] } },
    { spec: { containers: [{ image: 'x' }] } },
    { spec: { ...spec, volumes: {} } },
    { spec: { ...spec, initContainers: [null] } },
    { spec: { containers: [{ name: 'web', env: 'x' }] } },
    { metadata: 1, spec },
    { metadata: { labels: [] }, spec },
    { metadata: { annotations: { a: 1 } }, spec },
    { spec: { ...spec, securityContext: [] } },
  ];
  for (const one of wrong)
    t.throws(() => injectAsItIs(one), { code: 'ERR_CONFIG', message: /^this is no pod: / }, JSON.stringify(one));
});
