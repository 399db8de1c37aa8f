import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { parseAllDocuments } from 'yaml';
import { runProgram } from '../../../src/cli/program.ts';
import { openFakeEdge } from '../../helpers/fake-edge.ts';
import { VAULT_MESH } from '../inject/inject-bench.ts';

async function run(t: Test, manifests: string, ...args: string[]) {
  const directory = t.testdir({ 'mesh.yaml': VAULT_MESH });
  const file = join(directory, 'in.yaml');
  writeFileSync(file, manifests);
  const fake = openFakeEdge({ currentDirectory: directory });
  const mesh = join(directory, 'mesh.yaml');
  const code = await runProgram(['inject', '-c', mesh, '--image', 'meshcert:1', '-f', file, ...args], fake.edge);
  const read = () => parseAllDocuments(fake.out()).map((document) => document.toJS());
  return { code, out: fake.out(), error: fake.error().replaceAll(file, 'in.yaml'), read };
}

const POD_SPEC = 'serviceAccountName: web, containers: [{name: web, image: web}]';
const template = (apiVersion: string, kind: string) =>
  `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: web}\nspec: {template: {spec: {${POD_SPEC}}}}\n`;

t.test('every kind that holds pods', async (t) => {
  const kinds = [
    ['apps/v1', 'Deployment'],
    ['apps/v1', 'StatefulSet'],
    ['apps/v1', 'DaemonSet'],
    ['apps/v1', 'ReplicaSet'],
    ['batch/v1', 'Job'],
    ['v1', 'ReplicationController'],
  ] as const;
  const manifests = kinds.map(([apiVersion, kind]) => template(apiVersion, kind));
  manifests.push(`apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {${POD_SPEC}}\n`);
  manifests.push(
    `apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: web}\nspec: {jobTemplate: {spec: {template: {spec: {${POD_SPEC}}}}}}\n`,
  );
  const { code, read } = await run(t, manifests.join('---\n'));
  t.equal(code, 0);
  const documents = read();
  t.same(
    documents.map(({ kind }) => kind),
    [...kinds.map(([, kind]) => kind), 'Pod', 'CronJob'],
  );
  for (const { kind, spec } of documents) {
    const pod = (spec.jobTemplate?.spec ?? spec).template?.spec ?? spec;
    t.match(pod.initContainers, [{ name: 'meshcert' }], kind);
  }
});

t.test('comments, order and what is not touched stay', async (t) => {
  const service = `# why   it is there\napiVersion: v1\nkind:   Service\nmetadata:\n    name: "web"   # odd\n`;
  const custom = `apiVersion: batch.volcano.sh/v1alpha1\nkind: Job\nspec: {template: {spec: {${POD_SPEC}}}}\n`;
  const web = `# the shop\n${template('apps/v1', 'Deployment')}# the end\n`;
  const { out } = await run(t, `${service}---\n${web}---\n${custom}---\n# nothing\n`);
  t.ok(out.startsWith(`${service}---\n# the shop\napiVersion: apps/v1\n`));
  t.match(out, '# the end\n');
  t.ok(out.endsWith(`---\n${custom}---\n# nothing\n`));
});

t.test('injecting twice changes nothing', async (t) => {
  const once = await run(t, template('apps/v1', 'Deployment'));
  t.equal((await run(t, once.out)).out, once.out);
});

t.test('lists, JSON, pods that do not want it, and their namespaces', async (t) => {
  const pod = (name: string, metadata = {}) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, ...metadata },
    spec: { serviceAccountName: 'web', containers: [{ name: 'web', image: 'web' }] },
  });
  const off = { labels: { 'meshcert.io/inject': 'disabled' } };
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'quiet', ...off } };
  const items = [pod('a'), pod('b', off), namespace, pod('c', { namespace: 'quiet' })];
  const { read } = await run(t, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  const [list] = read();
  const isInjected = list.items.map(
    ({ spec }: { spec?: { initContainers?: object[] } }) => spec?.initContainers?.length,
  );
  t.same(isInjected, [1, undefined, undefined, undefined]);
});

t.test('what is wrong is told with its place, and nothing is printed', async (t) => {
  const broken = template('apps/v1', 'Deployment').replace(
    '{spec:',
    '{metadata: {annotations: {meshcert.io/outputs: all}}, spec:',
  );
  const refused = await run(t, `${template('batch/v1', 'Job')}---\n${broken}`);
  t.match(refused, {
    code: 2,
    out: '',
    error: /^meshcert: in\.yaml: Deployment "web": the annotation meshcert\.io\/outputs/,
  });
  t.match(await run(t, 'a: [1\n'), { code: 2, out: '', error: /^meshcert: in\.yaml:\d+: malformed YAML/ });
  t.match(await run(t, template('v1', 'Pod')), {
    code: 2,
    out: '',
    error: /Pod "web": this is no pod: spec\.containers is no list/,
  });
  t.match(await run(t, '', '-f', 'none.yaml'), { code: 2, error: /cannot read none\.yaml: there is no such file/ });
  const job = template('batch/v1', 'Job').replace('{spec: {service', '{spec: {restartPolicy: Never, service');
  t.match(await run(t, job, '--sidecar', 'container'), {
    code: 0,
    error: /^in\.yaml: Job "web": the pod's certificate is not replaced/,
  });
});

t.test('without a Mesh, or with mistakes in it, nothing is injected', async (t) => {
  const directory = t.testdir({
    'bad.yaml': 'type: Mesh\nname: default\nmtls: {enabledBackend: none}\n',
    'in.yaml': template('v1', 'Pod'),
  });
  const fake = openFakeEdge({ currentDirectory: directory });
  const file = join(directory, 'in.yaml');
  t.equal(await runProgram(['inject', '--image', 'x', '-f', file], fake.edge), 2);
  t.match(fake.error(), /there is no Mesh document/);
  t.equal(await runProgram(['inject', '--image', 'x', '-f', file, '-c', join(directory, 'bad.yaml')], fake.edge), 2);
  t.match(fake.error(), /bad\.yaml:3: mtls\.enabledBackend: expected the name of a backend/);
  t.equal(fake.out(), '');
});
