import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { parseAllDocuments } from 'yaml';
import { runProgram } from '../../../src/cli/program.ts';
import { openFakeEdge } from '../../helpers/fake-edge.ts';
import { VAULT_MESH } from '../inject/inject-bench.ts';

async function run(t: Test, manifests: string) {
  const directory = t.testdir({ 'mesh.yaml': VAULT_MESH });
  const file = join(directory, 'in.yaml');
  writeFileSync(file, manifests);
  const fake = openFakeEdge({ currentDirectory: directory });
  const args = ['inject', '-c', join(directory, 'mesh.yaml'), '--image', 'meshcert:1', '-f', file];
  const code = await runProgram(args, fake.edge);
  // Without merge keys: none may be left.
  const documents = () => parseAllDocuments(fake.out()).map((document) => document.toJS());
  return { code, out: fake.out(), error: fake.error().replaceAll(file, 'in.yaml'), documents };
}

t.test('labels that a selector shares with its pods are told apart', async (t) => {
  const { documents, out, error } = await run(
    t,
    `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: &labels {app: web}}
spec:
  selector: {matchLabels: *labels}
  # the shop
  template:
    metadata: {labels: *labels, annotations: &notes {team: shop}}
    spec:
      serviceAccountName: web
      containers:
      - &web {name: web, image: web, volumeMounts: &mounts [{name: data, mountPath: /data}]}
      - {<<: *web, name: other} # beside it
      volumes: [{name: data, emptyDir: {}}]
`,
  );
  t.equal(error, '');
  const [{ metadata, spec }] = documents();
  t.same(metadata.labels, { app: 'web' });
  t.same(spec.selector.matchLabels, { app: 'web' }, 'as it was, or it would select none of the pods of before');
  t.match(spec.template.metadata.labels, { app: 'web', 'meshcert.io/injected': 'true' });
  t.match(spec.template.metadata.annotations, { team: 'shop', 'meshcert.io/agent-config': /service: web/ });
  t.match(spec.template.spec.containers, [
    { name: 'web', image: 'web', volumeMounts: [{ name: 'data' }, { name: 'meshcert' }] },
    { name: 'other', image: 'web', volumeMounts: [{ name: 'data' }, { name: 'meshcert' }] },
  ]);
  t.equal(spec.template.spec.containers[0].volumeMounts.length, 2, 'one mount each');
  t.match(out, /# the shop\n.*# beside it\n/s);
});

t.test('of pods made of one template each gets what is its own', async (t) => {
  const { documents, error } = await run(
    t,
    `apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: ConfigMap
  metadata: {name: shared}
  data: &data {a: "1", b: "2"}
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: web}
  spec:
    template: &template
      metadata: {labels: &labels {app: web}}
      spec: &spec {serviceAccountName: web, containers: [{name: web, image: web}]}
- {apiVersion: apps/v1, kind: StatefulSet, metadata: {name: again}, spec: {template: *template}}
- apiVersion: batch/v1
  kind: Job
  metadata: {name: batch}
  spec:
    template:
      metadata: {labels: {<<: [{app: batch, tier: back}, *labels, *data], b: own}}
      spec: {<<: *spec, restartPolicy: Never}
- {apiVersion: v1, kind: ConfigMap, metadata: {name: copy}, data: *data}
`,
  );
  t.equal(error, '');
  const [{ items }] = documents();
  const [first, web, again, batch, last] = items;
  t.same(first.data, { a: '1', b: '2' });
  t.same(last.data, first.data);
  t.same(web.spec.template, again.spec.template, 'both of the service "web"');
  t.same(
    web.spec.template.spec.initContainers.map(({ name }: { name: string }) => name),
    ['meshcert'],
    'once',
  );
  t.match(batch.spec.template.metadata.labels, { app: 'batch', tier: 'back', a: '1', b: 'own' });
  t.match(batch.spec.template.metadata.annotations, { 'meshcert.io/agent-config': /service: batch/ });
  t.match(batch.spec.template.spec, {
    restartPolicy: 'Never',
    serviceAccountName: 'web',
    containers: [{ name: 'web', image: 'web', volumeMounts: [{ name: 'meshcert' }] }],
    initContainers: [{ name: 'meshcert' }],
  });
});

t.test('an anchor that is given again stands for the last before its alias, and none is left', async (t) => {
  const { documents, out } = await run(
    t,
    `apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  serviceAccountName: web
  containers: [{name: web, image: web}]
  order: [&x {in: &y one}, *y, &y two, *x, *y, &x three, *x]
`,
  );
  t.same(documents()[0].spec.order, [{ in: 'one' }, 'one', 'two', { in: 'one' }, 'two', 'three', 'three']);
  t.notMatch(out, /[&*][xy]/);
});

t.test('aliases in what is not injected stay as they are', async (t) => {
  const other = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: &a "1",   b: *a}\n';
  t.equal((await run(t, other)).out, other);
});

t.test('aliases that cannot be written out are refused in one line', async (t) => {
  const pod = (more: string) =>
    `apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {serviceAccountName: web, containers: [{name: web, image: web}], ${more}}\n`;
  t.match(await run(t, pod('extra: &x {again: *x}')), {
    code: 2,
    out: '',
    error: /^meshcert: in\.yaml: Pod "web": the alias \*x stands for what it is a part of\n$/,
  });
  const many = Array.from({ length: 120 }, () => '*x').join(', ');
  t.match(await run(t, pod(`a: &x [1], b: [${many}]`)), {
    code: 2,
    out: '',
    error: /^meshcert: in\.yaml: its YAML aliases cannot be followed: Excessive[^\n]*; set each[^\n]*\n$/,
  });
  t.match(await run(t, pod('a: *nothing')), {
    code: 2,
    out: '',
    error: /cannot be followed: Unresolved alias [^\n]*: nothing; set each[^\n]*\n$/,
  });
});
