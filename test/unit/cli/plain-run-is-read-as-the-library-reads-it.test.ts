import t from 'tap';
import { runCommandLine } from '../../../src/cli/command-line.ts';
import type { Edge } from '../../../src/cli/edge.ts';
import { readPlainRun, runProgram } from '../../../src/cli/program.ts';

t.test('run with files alone is plain, and nothing else is', async (t) => {
  t.same(readPlainRun(['run']), []);
  t.same(readPlainRun(['run', '-c', 'a.yaml', '--config', 'b.yaml']), ['a.yaml', 'b.yaml']);
  for (const args of [
    [],
    ['validate'],
    ['run', '--once'],
    ['run', '-c'],
    ['run', '-c', '--once'],
    ['run', '-c', ''],
    ['run', 'a.yaml'],
    ['run', '--help', 'x'],
    ['run', '-c', 'a', '--log-level', 'debug'],
    ['--version'],
  ]) {
    t.equal(readPlainRun(args), undefined, args.join(' '));
  }
});

t.test('both ways to read it find the same mistakes in the same files', async (t) => {
  const missing = ['run', '-c', '/nonexistent/a.yaml', '-c', '/nonexistent/b.yaml'];
  const [plain, library] = [makeEdge(), makeEdge()];
  t.equal(await runProgram(missing, plain.edge), 2);
  t.equal(await runCommandLine(missing, library.edge), 2);
  t.match(plain.written.join(''), /a\.yaml.*no such file[\s\S]*b\.yaml.*no such file/);
  t.same(plain.written, library.written);
});

t.test('wrong arguments are a usage error, and help is none', async (t) => {
  for (const [args, code, text] of [
    [['rnu'], 2, /Did you mean run/],
    [['run', '--onec'], 2, /Did you mean --once/],
    [['run', '--once', '--timeout', 'soon'], 2, /--timeout.*"soon"/],
    [['run', '--help'], 0, /Examples:/],
    [['--version'], 0, /^[\w.]+\n$/],
  ] as const) {
    const { edge, written } = makeEdge();
    t.equal(await runProgram(args, edge), code, args.join(' '));
    t.match(written.join(''), text);
  }
});

function makeEdge(): { edge: Edge; written: string[] } {
  const written: string[] = [];
  const edge: Edge = {
    environment: {},
    currentDirectory: '/',
    hostName: 'host',
    isTerminal: false,
    isOutTerminal: false,
    countColumns: () => 80,
    writeOut: (text) => void written.push(text),
    writeError: (text) => void written.push(text),
    random: () => 0,
    readUsage: () => ({ cpuSeconds: 0, residentBytes: 0 }),
    nodeVersion: 'v24',
    pid: 1,
    uid: 0,
    sendSignal: () => undefined,
    onSignal: () => undefined,
  };
  return { edge, written };
}
