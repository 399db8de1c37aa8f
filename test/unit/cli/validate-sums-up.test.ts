import { join } from 'node:path';
import t from 'tap';
import { validate } from '../../../src/cli/validate.ts';

const MESH = `type: Mesh
name: default
mtls:
  enabledBackend: vault-1
  backends:
  - name: vault-1
    type: vault
    conf: {fromCp: {address: "https://vault:8200", auth: {token: {secret: token-1}}}}
`;
const AGENT = 'type: Agent\nservice: web\n';

async function run(
  files: string[],
  environment: Record<string, string> = {},
): Promise<{ exitCode: number; output: string }> {
  let output = '';
  const exitCode = await validate(files, {
    environment,
    hostName: 'web-0',
    currentDirectory: '/srv',
    writeOut: (text) => {
      output += text;
    },
  });
  return { exitCode, output };
}

t.test('a configuration without mistakes', async (t) => {
  const directory = t.testdir({ 'mesh.yaml': MESH, 'agent.yaml': AGENT });
  t.same(await run([join(directory, 'mesh.yaml'), join(directory, 'agent.yaml')]), {
    exitCode: 0,
    output: 'ok: mesh default, service web, spiffe://default/web, backend vault-1 (vault), 1 directory\n',
  });
});

t.test('none at all, and one in the environment', async (t) => {
  t.same(await run([]), {
    exitCode: 0,
    output: 'ok: mesh default, service web-0, spiffe://default/web-0, backend builtin (builtin), 1 directory\n',
  });
  t.same(await run([], { MESHCERT_CONFIG: 'type: Mesh\nname: default\n' }), {
    exitCode: 0,
    output: 'ok: mesh default, service web-0, spiffe://default/web-0, mTLS is off, 1 directory\n',
  });
});

t.test('what is delivered on sockets, without files', async (t) => {
  const deliver = 'deliver: {sds: {socket: /run/m.sock}, workloadApi: {socket: /run/m.sock}}\n';
  const directory = t.testdir({ 'all.yaml': `${MESH}---\n${AGENT}${deliver}` });
  t.same(await run([join(directory, 'all.yaml')]), {
    exitCode: 0,
    output: 'ok: mesh default, service web, spiffe://default/web, backend vault-1 (vault), SDS, Workload API\n',
  });
});

t.test('warnings leave it usable', async (t) => {
  const { exitCode, output } = await run([], { MESHCERT_CONFIG: AGENT });
  t.equal(exitCode, 0);
  t.match(output, /^MESHCERT_CONFIG:1: warning: there is no Mesh document.*\nok: .*, 1 directory; 1 warning\n$/);
});

t.test('every mistake, then how many', async (t) => {
  const directory = t.testdir({
    'mesh.yaml': MESH.replace('vault-1\n  b', 'vault-2\n  b'),
    'agent.yaml': `${AGENT}a: 1\nb: 2\n`,
  });
  const { exitCode, output } = await run(['mesh.yaml', 'agent.yaml', 'none.yaml'].map((file) => join(directory, file)));
  t.equal(exitCode, 2);
  const lines = output.replaceAll(`${directory}/`, '').trimEnd().split('\n');
  t.match(lines, [
    'none.yaml: cannot be read: there is no such file',
    'mesh.yaml:4: mtls.enabledBackend: expected the name of a backend (vault-1), got "vault-2"; did you mean "vault-1"?',
    'agent.yaml:3: a: unknown key',
    'agent.yaml:4: b: unknown key',
    '4 mistakes in 3 files',
  ]);
});

t.test('one mistake', async (t) => {
  const { exitCode, output } = await run([], { MESHCERT_CONFIG: `${MESH}x:\n---\ntype: Agent\nmash: 1\n` });
  t.equal(exitCode, 2);
  t.match(output, /^MESHCERT_CONFIG:12: mash: unknown key; did you mean "mesh"\?\n1 mistake in 1 file\n$/);
});
