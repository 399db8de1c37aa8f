import t from 'tap';
import { loadText } from './load-text.ts';

const mesh = (name: string, backend = '{name: ca-1, type: builtin}') =>
  `type: Mesh\nname: ${name}\nmtls: {enabledBackend: ca-1, backends: [${backend}]}\n`;

t.test('one of several meshes', async (t) => {
  const { config, lines } = loadText([mesh('default'), mesh('prod'), 'type: Agent\nmesh: prod\n'].join('---\n'));
  t.same(lines, []);
  t.equal(config?.mesh, 'prod');
  t.equal(String(config?.spiffeId), 'spiffe://prod/web-0');
});

t.test('the mesh "default" when none is named', async (t) => {
  t.equal(loadText([mesh('prod'), mesh('default')].join('---\n')).config?.mesh, 'default');
});

t.test('the only mesh when none is named', async (t) => {
  t.equal(loadText(mesh('prod')).config?.mesh, 'prod');
});

t.test('none is named and none is the default', async (t) => {
  t.same(loadText([mesh('prod'), mesh('test')].join('---\n')).lines, [
    'mesh.yaml:1: there are several meshes ("prod", "test"); name one as "mesh" in an Agent document',
  ]);
});

t.test('a mesh that is not there', async (t) => {
  const { config, lines } = loadText([mesh('default'), mesh('prod'), 'type: Agent\nmesh: prd\n'].join('---\n'));
  t.equal(config, undefined);
  t.same(lines, [
    'mesh.yaml:10: mesh: expected the name of a Mesh that is given ("default", "prod"), got "prd"; did you mean "prod"?',
  ]);
});

t.test('a mesh that stands there twice', async (t) => {
  t.same(loadText([mesh('prod'), mesh('prod')].join('---\n')).lines, [
    'mesh.yaml:5: the Mesh "prod" stands at mesh.yaml:1, too; keep one of them',
  ]);
});

t.test('a mesh without a name, or with one that could lead elsewhere', async (t) => {
  for (const [text, line] of [
    ['type: Mesh\nmtls:\n', 'mesh.yaml:1: name: missing: expected the name of the mesh'],
    ['apiVersion: kuma.io/v1alpha1\nkind: Mesh\nspec: {}\n', 'mesh.yaml:1: metadata.name: missing'],
    ['apiVersion: kuma.io/v1alpha1\nkind: Mesh\nmetadata: {name: ""}\n', 'mesh.yaml:3: metadata.name: missing'],
    ['type: Mesh\nname: ../etc\n', 'mesh.yaml:2: name: expected a name of a-z, 0-9, ".", "-" and "_", got "../etc"'],
    ['type: Mesh\nname: ..\n', 'mesh.yaml:2: name: expected a name'],
    [
      'type: Mesh\nname: 7\n',
      'mesh.yaml:2: name: expected a name of a-z, 0-9, ".", "-" and "_", got a number; put it in quotes',
    ],
  ] as const) {
    const { config, lines } = loadText(text);
    t.equal(config, undefined, text);
    t.equal(lines.length, 1, lines.join('\n'));
    t.match(lines[0], line);
  }
});

t.test('what a mesh of others enables concerns others; mistakes in it are mistakes', async (t) => {
  const others = mesh(
    'other',
    '{name: ca-1, type: acmpca, conf: {arn: "arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/12345678-1234-1234-1234-123456789012"}}',
  );
  t.same(loadText([mesh('default'), others].join('---\n')).lines, []);
  const wrong = mesh(
    'other',
    '{name: ca-1, type: acmpca, conf: {arm: "arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/12345678-1234-1234-1234-123456789012"}}',
  );
  t.match(loadText([mesh('default'), wrong].join('---\n')).lines, [
    'mesh.yaml:7: mtls.backends[0].conf.arm: unknown key; did you mean "arn"?',
  ]);
});
