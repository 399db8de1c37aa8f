import t from 'tap';
import { BUILTIN_MESH, loadText } from './load-text.ts';

t.test('policies and objects that stand in files with a Mesh, with one warning', async (t) => {
  const { config, lines } = loadText(`apiVersion: v1
kind: Namespace
metadata: {name: kong-mesh-system}
---
${BUILTIN_MESH}---
apiVersion: kuma.io/v1alpha1
kind: MeshTrafficPermission
metadata: {name: all}
spec: {targetRef: {kind: Mesh}}
---
type: MeshTrafficPermission
name: all
mesh: default
---
type: TrafficPermission
name: all
---
type: Secret
name: token-1
data: aHVudGVyMg==
---
# nothing but a comment
---
`);
  t.equal(config?.backend?.name, 'ca-1');
  t.same(lines, [
    'mesh.yaml:1: warning: only Mesh and Agent documents are read here; passed over: Namespace, ' +
      'MeshTrafficPermission, TrafficPermission, Secret',
  ]);
});

for (const [text, line] of [
  ['type: Mseh\nname: a\n', 'mesh.yaml:1: type: expected Mesh or Agent, got "Mseh"; did you mean "Mesh"?'],
  ['type: mesh\nname: a\n', 'mesh.yaml:1: type: expected Mesh or Agent, got "mesh"; did you mean "Mesh"?'],
  ['type: agent\n', 'mesh.yaml:1: type: expected Mesh or Agent, got "agent"; did you mean "Agent"?'],
  ['type: Unheard\n', 'mesh.yaml:1: type: expected Mesh or Agent, got "Unheard"'],
  ['type: 7\n', 'mesh.yaml:1: type: missing: expected the type of this document; write "type: Mesh" or "type: Agent"'],
  ['name: default\nmtls: {}\n', 'mesh.yaml:1: type: missing: expected the type of this document'],
  ['- type: Mesh\n', 'mesh.yaml:1: expected a Mesh or an Agent document; write "type: Mesh" or "type: Agent"'],
  ['just text\n', 'mesh.yaml:1: expected a Mesh or an Agent document'],
  ['kind: Mesh\nmetadata: {name: a}\n', 'mesh.yaml:1: apiVersion: expected kuma.io/v1alpha1 with "kind: Mesh"'],
  ['apiVersion: example.com/v1\nkind: Mesh\n', 'mesh.yaml:1: apiVersion: expected kuma.io/v1alpha1 with "kind: Mesh"'],
  [
    'apiVersion: kuma.io/v1alpha1\nkind: Mehs\n',
    'mesh.yaml:2: kind: expected Mesh or Agent, got "Mehs"; did you mean "Mesh"?',
  ],
  [
    'apiVersion: kuma.io/v1alpha1\nkind: Agent\n',
    'mesh.yaml:2: kind: expected an Agent in its own form; write "type: Agent"',
  ],
  [
    'apiVersion: v1\nkind: List\nitems: []\n',
    'mesh.yaml:2: kind: a List is not read; give its items as documents of their own',
  ],
] as const) {
  t.test(`${JSON.stringify(text)} is refused`, async (t) => {
    const { config, lines } = loadText(text);
    t.equal(config, undefined);
    t.match(
      lines.filter((one) => !one.includes('warning')),
      [line],
    );
  });
}

t.test('what a Mesh has beside mtls passes unread, a slip in "mtls" itself is worth a warning', async (t) => {
  t.same(loadText('type: Mesh\nname: default\nlabels: {a: 1}\nanything: [{at: all}]\n').lines, []);
  for (const key of ['mTLS', 'mtsl', 'tls']) {
    t.same(loadText(`type: Mesh\nname: default\n${key}: {enabledBackend: a}\n`).lines, [
      `mesh.yaml:3: warning: ${key}: not read; did you mean "mtls"?`,
    ]);
  }
});
