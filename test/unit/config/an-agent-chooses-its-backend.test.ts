import t from 'tap';
import { loadText } from './load-text.ts';

const MESH = `type: Mesh
name: default
mtls:
  enabledBackend: ca-1
  backends:
  - {name: ca-1, type: builtin, dpCert: {rotation: {expiration: 1d}}}
  - {name: ca-2, type: builtin, mode: PERMISSIVE}
---
type: Mesh
name: other
mtls:
  enabledBackend: ca-1
  backends: [{name: ca-1, type: builtin}]
---
`;
const load = (agent: string, mesh = MESH) => loadText(`${mesh}type: Agent\nmesh: default\n${agent}`);

t.test('instead of the one that the Mesh enables', async (t) => {
  const { config, lines } = load('backend: ca-2');
  t.same(lines, []);
  t.match(config?.backend, { name: 'ca-2', mode: 'PERMISSIVE' });
  t.same(config?.supportedBackends, ['ca-1', 'ca-2']);
  t.equal(load('service: web').config?.backend?.name, 'ca-1');
});

t.test('also where the Mesh enables none', async (t) => {
  const { config } = load('backend: ca-1', MESH.replace('enabledBackend: ca-1', 'enabledBackend: ""'));
  t.equal(config?.backend?.name, 'ca-1');
});

t.test('one that is not there is told where it is named', async (t) => {
  const { config, lines } = load('backend: ca2');
  t.equal(config, undefined);
  t.match(lines, [/:17: backend: expected the name of a backend \(ca-1, ca-2\), got "ca2"; did you mean "ca-2"\?$/]);
});

t.test('and the life of its certificates', async (t) => {
  const { config, lines } = load('rotation: {expiration: 90m}');
  t.same(lines, []);
  t.equal(config?.backend?.ttlSeconds, 5400);
  t.equal(load('service: web').config?.backend?.ttlSeconds, 86_400);
  t.match(load('rotation: {expiration: 90}').lines, [/rotation\.expiration: expected a duration, got a number/]);
  t.match(load('rotation: {expiration: 10ms}').lines, [/rotation\.expiration: expected at least a second/]);
});
