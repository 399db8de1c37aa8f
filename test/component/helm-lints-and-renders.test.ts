import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parse, parseAllDocuments } from 'yaml';
import { EVERYTHING, LEAST, VALUE_SETS, WITH_MONITORING } from '../helpers/chart-values.ts';
import { CHART, findManifest, type Manifest, openHelm } from '../helpers/helm.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const directory = temporaryDirectory(t);
const helm = openHelm({ directory });

for (const [what, values] of Object.entries(VALUE_SETS)) {
  t.test(`the chart is clean and renders: ${what}`, async (t) => {
    const linted = await helm.lint(values);
    t.match(linted, { code: 0, stdout: /1 chart\(s\) linted, 0 chart\(s\) failed/ });
    t.notMatch(linted.stdout, /\[(WARNING|ERROR)\]/);
    const manifests = await helm.render(values);
    const names = manifests.map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`);
    t.equal(new Set(names).size, names.length, 'no object is there twice');
    for (const { kind, metadata } of manifests) {
      const { labels = {} } = metadata;
      t.equal(labels['app.kubernetes.io/managed-by'], 'Helm', `${kind} ${metadata.name}`);
      t.equal(labels['app.kubernetes.io/instance'], 'meshcert', `${kind} ${metadata.name}`);
    }
  });
}

t.test('what lint says without values is only what is missing', async (t) => {
  const { code, stderr } = await helm.lint({});
  t.equal(code, 0);
  t.match(stderr, 'image.repository is not set');
  t.match(stderr, 'meshes is empty');
});

interface PodTemplate {
  readonly metadata: Manifest['metadata'];
  readonly spec: {
    readonly serviceAccountName: string;
    readonly imagePullSecrets?: unknown;
    readonly containers: readonly { readonly image: string; readonly args: readonly string[] }[];
  };
}

const templateOf = (manifests: readonly Manifest[], name: string) => {
  const { spec } = findManifest(manifests, 'Deployment', name);
  return (spec as { template: PodTemplate }).template;
};

const checksumOf = async (values: object) =>
  templateOf(await helm.render(values), 'meshcert-webhook').metadata.annotations?.['checksum/config'];

t.test('a changed mesh or agent restarts the webhook, which reads them at its start; nothing else does', async (t) => {
  const before = await checksumOf(LEAST);
  t.match(before, /^[0-9a-f]{64}$/);
  t.equal(await checksumOf({ ...LEAST, webhook: { failurePolicy: 'Ignore' } }), before);
  t.not(await checksumOf({ ...LEAST, agent: { trustDomain: 'example.org' } }), before);
  const [mesh] = LEAST.meshes;
  t.not(await checksumOf({ ...LEAST, meshes: [{ ...mesh, metadata: { name: 'other' } }] }), before);
});

t.test('the documents of the values are those that webhook and signers are given', async (t) => {
  const manifests = await helm.render(EVERYTHING);
  const read = (name: string, key: string) => {
    const { data } = findManifest(manifests, 'ConfigMap', name) as unknown as { data: Record<string, string> };
    return parseAllDocuments(data[key] ?? '').map((document) => document.toJS());
  };
  const [signed, , provided] = EVERYTHING.meshes;
  t.same(read('certs', 'mesh.yaml'), EVERYTHING.meshes);
  t.same(read('certs', 'agent.yaml'), [
    { ...EVERYTHING.agent, type: 'Agent', signer: { namespace: 'meshcert-system' } },
  ]);
  t.same(read('certs-signer-default', 'mesh.yaml'), [signed]);
  t.same(read('certs-signer-legacy', 'mesh.yaml'), [provided]);
  t.notOk(
    manifests.some(({ metadata }) => metadata.name.endsWith('-payments')),
    'a mesh of Vault alone has no signer',
  );
});

t.test('the signer gives the identities that agents ask for', async (t) => {
  const spiffeId = '/{namespace}/{serviceAccount}';
  const values = { ...EVERYTHING, agent: { trustDomain: 'example.org', spiffeId } };
  const [signer] = templateOf(await helm.render(values), 'certs-signer-default').spec.containers;
  t.match(signer?.args, [
    'signer',
    '--config=/etc/meshcert/mesh.yaml',
    '--trust-domain=example.org',
    `--spiffe-id=${spiffeId}`,
    '--allow-namespace=shop',
    '--allow-namespace=bank',
  ]);
});

t.test('images are named by tag or, where there is one, by digest, and injected pods get the same', async (t) => {
  const least = templateOf(await helm.render(LEAST), 'meshcert-webhook').spec;
  const [, version] = /^appVersion: (.*)$/m.exec((await helm.run('show', 'chart', CHART)).stdout) ?? [];
  t.equal(least.containers[0]?.image, `registry.example/meshcert:${version}`);
  t.ok(least.containers[0]?.args.includes(`--image=registry.example/meshcert:${version}`));
  const all = templateOf(await helm.render(EVERYTHING), 'certs-webhook').spec;
  const image = `registry.example/meshcert@${EVERYTHING.image.digest}`;
  t.equal(all.containers[0]?.image, image);
  t.ok(all.containers[0]?.args.includes(`--image=${image}`));
  t.ok(all.containers[0]?.args.includes('--envoy-image=registry.example/envoy:1.40'));
  t.same(all.imagePullSecrets, [{ name: 'registry' }]);
});

t.test('names begin with that of the release, or with meshcert, or as they are told to', async (t) => {
  const nameIn = async (release: string, values: object) =>
    (await helm.render(values, { release })).find(({ kind }) => kind === 'MutatingWebhookConfiguration')?.metadata.name;
  t.equal(await nameIn('meshcert', LEAST), 'meshcert');
  t.equal(await nameIn('my-meshcert', LEAST), 'my-meshcert');
  t.equal(await nameIn('prod', LEAST), 'prod-meshcert');
  t.equal(await nameIn('prod', EVERYTHING), 'certs');
  const services = (await helm.render(WITH_MONITORING, { release: 'a'.repeat(53) })).filter(
    ({ kind }) => kind === 'Service',
  );
  for (const { metadata } of services) t.ok(metadata.name.length <= 63, metadata.name);
});

t.test('the test of an installation is left out where it could not work', async (t) => {
  const hasTest = async (values: object, options = {}) =>
    (await helm.render(values, options)).some(({ metadata }) => metadata.annotations?.['helm.sh/hook'] === 'test');
  t.ok(await hasTest(LEAST));
  t.notOk(await hasTest(LEAST, { namespace: 'default' }), 'pods beside the webhook are not injected');
  t.notOk(await hasTest(LEAST, { kubeVersion: '1.28.0' }), 'there are no native sidecars');
  t.notOk(await hasTest({ ...LEAST, webhook: { sidecar: 'container' } }));
});

t.test('the values of the page render', async (t) => {
  const page = readFileSync(new URL('../../docs/helm.md', import.meta.url), 'utf8');
  const examples = [...page.matchAll(/^```yaml\n# values\.yaml\n(.*?)^```$/gms)].map(([, text = '']) => parse(text));
  t.equal(examples.length, 2);
  for (const values of examples) t.ok((await helm.render(values)).length > 10);
});

t.test('packaged, it renders the same', async (t) => {
  const { code, stdout } = await helm.run('package', CHART, '--destination', directory);
  t.equal(code, 0);
  const chart = stdout.trim().split(': ').at(-1) ?? '';
  t.ok(chart.startsWith(join(directory, 'meshcert-')));
  const [packaged, folder] = await Promise.all([
    helm.template(WITH_MONITORING, { chart }),
    helm.template(WITH_MONITORING),
  ]);
  t.equal(packaged.code, 0, packaged.stderr);
  t.ok(packaged.stdout.includes('MeshcertAgentDown'));
  t.equal(packaged.stdout, folder.stdout);
});
