import t from 'tap';
import { BUILTIN_MESH, loadText } from './load-text.ts';

for (const [text, line] of [
  ['type: Mesh\n\tname: default\n', /^mesh\.yaml:2: .*tabs/],
  [
    'type: Mesh\nname: "default\n',
    /^mesh\.yaml:\d: malformed YAML: a character is missing here, such as a closing quote/,
  ],
  ['type: Mesh\nname: [a\n', /^mesh\.yaml:\d: malformed YAML/],
  ['type: Mesh\nname: a: b\n', /^mesh\.yaml:2: malformed YAML/],
  ['type: Mesh\n  name: a\n', /^mesh\.yaml:\d: malformed YAML/],
  ['type: Mesh\nname: @a\n', /^mesh\.yaml:2: malformed YAML: put text that starts with @/],
  ['type: Mesh\nname: !vault a\n', /^mesh\.yaml:2: malformed YAML: an unknown tag/],
  ['type: Mesh\nname: "\\q"\n', /^mesh\.yaml:2: malformed YAML: an unknown escape/],
  ['type: Mesh\nname: *a\n', /^mesh\.yaml:\d: an alias \(\*name\) here cannot be resolved/],
  [
    'a: &a [x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c]\n',
    /an alias/,
  ],
] as const) {
  t.test(JSON.stringify(text), async (t) => {
    const { config, lines } = loadText(text);
    t.equal(config, undefined);
    t.match(lines[0], line);
  });
}

t.test('one mistake is told once, whatever else the parser stumbles over', async (t) => {
  const bracket = loadText(
    'type: Mesh\nmtls:\n  backends:\n  - {name: [a, type: builtin, dpCert: {}}\n---\ntype: Agent\n',
  );
  t.same(bracket.lines, [
    'mesh.yaml:4: malformed YAML: the indentation does not fit what stands above, or a bracket is not closed',
  ]);
  t.equal(loadText('type: Mesh\nname: default\n mtls:\n  enabledBackend: a\n').lines.length, 1);
});

t.test('a key that stands there twice, beside the other mistakes of its document', async (t) => {
  const { config, lines } = loadText(
    'type: Mesh\nname: default\nmtls:\n  enabledBackend: a\n  enabledBackend: b\n  backend: 1\n',
  );
  t.equal(config, undefined);
  t.ok(lines.includes('mesh.yaml:5: this key stands twice in its mapping'), lines.join('\n'));
  t.ok(lines.includes('mesh.yaml:6: mtls.backend: unknown key; did you mean "backends"?'), lines.join('\n'));
});

t.test('a document that cannot be read is not missed elsewhere', async (t) => {
  const { lines } = loadText('type: Agent\nmesh: default\n---\ntype: Mesh\nname: "default\n');
  t.equal(lines.length, 1, lines.join('\n'));
  const both = loadText('', {
    sources: [
      { file: 'a.yaml', text: 'type: Agent\nmesh: prod\n' },
      { file: 'b.yaml', text: BUILTIN_MESH },
    ],
    problems: [{ file: 'c.yaml', line: 0, key: '', message: 'cannot be read', severity: 'error' }],
  });
  t.same(both.lines, ['c.yaml: cannot be read']);
  t.equal(both.config, undefined);
});

t.test('aliases, merged keys and Windows line ends are YAML, too', async (t) => {
  const text = `type: Mesh
name: default
mtls:
  enabledBackend: a
  backends:
  - &first {name: a, type: builtin, conf: &conf {caCert: {RSAbits: 2048}}}
  - {name: b, type: builtin, conf: *conf}
  - {name: x, type: builtin, conf: &wrong {caCert: {RSAbits: 1}}}
  - {<<: *first, name: c, mode: strict}
  - name: d
    type: builtin
    conf: *wrong
`.replaceAll('\n', '\r\n');
  const { lines } = loadText(text);
  t.match(lines, [
    'mesh.yaml:8: mtls.backends[2].conf.caCert.RSAbits: expected a whole number',
    'mesh.yaml:8: mtls.backends[4].conf.caCert.RSAbits: expected a whole number',
    'mesh.yaml:9: mtls.backends[3].mode: expected one of STRICT, PERMISSIVE',
  ]);
});

t.test('variables of the environment are not expanded', async (t) => {
  const text = BUILTIN_MESH.replace('name: default', `name: $\{MESH}`);
  t.match(loadText(text, { environment: { MESH: 'default' } }).lines[0], `got "$\{MESH}"`);
});
