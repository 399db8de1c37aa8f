import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { renderBuiltinMesh } from '../helpers/kong-mesh.ts';
import { runMeshcert } from '../helpers/run-meshcert.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const MESH = renderBuiltinMesh('1h');
const AGENT = 'type: Agent\nservice: web\n';

interface Mistake {
  readonly what: string;
  readonly text: string;
  /** What is to be said, after the file's name. */
  readonly line: RegExp;
}

const MISTAKES: readonly Mistake[] = [
  {
    what: 'malformed YAML',
    text: `${MESH.replace('- {name: ca-1', '- {name: [ca-1')}\n---\n${AGENT}`,
    line: /^:\d+: malformed YAML: .+$/,
  },
  { what: 'a tab', text: `type: Agent\n\tservice: web\n`, line: /^:2: .*tab.*; use spaces$/ },
  {
    what: 'an unknown key of the Agent',
    text: `${MESH}\n---\n${AGENT}delivr: {}\n`,
    line: /^:10: delivr: unknown key; did you mean "deliver"\?$/,
  },
  {
    what: 'an unknown key under mtls',
    text: `${MESH.replace('dpCert', 'dpCerts')}\n---\n${AGENT}`,
    line: /^:6: mtls\.backends\[0\]\.dpCerts: unknown key; did you mean "dpCert"\?$/,
  },
  {
    what: 'a backend that is not there',
    text: `${MESH.replace('enabledBackend: ca-1', 'enabledBackend: ca-2')}\n---\n${AGENT}`,
    line: /^:4: mtls\.enabledBackend: .*"ca-2".*"ca-1"/,
  },
];

t.test('a mistake in the configuration: one line with its place and what to write, and exit code 2', async (t) => {
  const directory = temporaryDirectory(t);
  const cases = MISTAKES.map(({ what, text, line }, index) => {
    const file = `mesh-${index}.yaml`;
    writeFileSync(join(directory, file), text);
    return { what, file, line };
  });
  cases.push({ what: 'no file', file: 'nowhere.yaml', line: /^: cannot be read: there is no such file$/ });
  cases.push({ what: 'a folder', file: '.', line: /^: cannot be read: it is a directory, not a file$/ });

  for (const { what, file, line } of cases) {
    for (const command of [['run'], ['run', '--once']]) {
      const { code, stdout, stderr } = await runMeshcert([...command, '-c', file], { directory });
      t.equal(code, 2, `${what}: exit code of ${command.join(' ')}`);
      t.equal(stdout, '');
      const [said = '', ...more] = stderr.trimEnd().split('\n');
      t.same(more, [], `${what}: one line`);
      t.ok(said.startsWith(file), said);
      t.match(said.slice(file.length), line);
    }
    const { code, stdout } = await runMeshcert(['validate', '-c', file], { directory });
    t.equal(code, 2);
    const [said = '', ...more] = stdout.trimEnd().split('\n');
    t.match(said.slice(file.length), line, `${what}: validate says the same`);
    t.same(more, ['1 mistake in 1 file']);
  }
  t.notOk(existsSync(join(directory, '.meshcert')), 'nothing was begun');
});

t.test('all mistakes are told at once', async (t) => {
  const directory = temporaryDirectory(t);
  const file = 'mesh.yaml';
  writeFileSync(
    join(directory, file),
    `${MESH.replace('1h', 'soon').replace('builtin', 'bultin')}\n---\n${AGENT}keyTyp: rsa-2048\n`,
  );
  const { code, stderr } = await runMeshcert(['run', '-c', file], { directory });
  t.equal(code, 2);
  const lines = stderr.trimEnd().split('\n');
  t.equal(lines.length, 3, stderr);
  t.match(stderr, /bultin.*"builtin"/);
  t.match(stderr, /soon/);
  t.match(stderr, /keyTyp: unknown key; did you mean "keyType"\?/);
});

t.test('a wrong command line: exit code 2, and where to read on', async (t) => {
  const directory = temporaryDirectory(t);
  for (const args of [['run', '--onec'], ['rum'], ['run', '--timeout', 'soon'], ['run', '-c']]) {
    const { code, stdout, stderr } = await runMeshcert(args, { directory });
    t.equal(code, 2, args.join(' '));
    t.equal(stdout, '');
    t.match(stderr, /^error: .*\n/);
    t.match(stderr, /--help/);
    t.notMatch(stderr, /^ {4}at /m);
  }
});
