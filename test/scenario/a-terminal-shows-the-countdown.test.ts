import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import t, { type Test } from 'tap';
import { builtProgram, writeConfiguration } from '../helpers/agent.ts';
import { askSocket } from '../helpers/ask-socket.ts';
import { renderBuiltinMesh } from '../helpers/kong-mesh.ts';
import { runInTerminal, type TerminalOptions } from '../helpers/pseudo-terminal.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const ESCAPE = '\u001b';
/** Where the last line is written anew. */
const CLEAR = `\r${ESCAPE}[K`;

async function start(t: Test, options: Omit<TerminalOptions, 'directory'> & { args?: readonly string[] } = {}) {
  const directory = temporaryDirectory(t);
  const mesh = renderBuiltinMesh('1h');
  const agentLines = 'rotation: {spread: false}';
  const { configFile, socket } = writeConfiguration({ directory: join(directory, 'a'), mesh, agentLines });
  const command = [builtProgram(), 'run', '-c', configFile, ...(options.args ?? [])];
  const terminal = await runInTerminal(command, { directory, ...options });
  t.teardown(() => terminal.stop());
  return { terminal, rotate: () => askSocket(socket, 'POST', '/rotate') };
}

t.test('a line counts down to the rotation, and the log stands above it in whole lines', async (t) => {
  const { terminal, rotate } = await start(t);
  await terminal.waitFor(/generation 1, rotates in 4\dm\w*, expires in 59m/);
  const first = /rotates in (\w+)/.exec(terminal.output())?.[1];
  await terminal.waitFor(new RegExp(`rotates in (?!${first})`));
  t.equal((await rotate()).status, 200);
  await terminal.waitFor(/generation 2, rotates in/);
  t.equal((await terminal.stop()).code, 0);

  const output = terminal.output();
  const log = output
    .split('\r\n')
    .map((line) => line.slice(line.lastIndexOf(CLEAR) + 1))
    .map((line) => stripVTControlCharacters(line).trim());
  t.same(
    log.filter((line) => line !== '' && !/^\d\d:\d\d:\d\d\.\d{3} (INFO|WARN|ERROR) +\S/.test(line)),
    [],
    'nothing but lines of the log is left on the screen',
  );
  t.equal(log.filter((line) => line.includes('certificate issued generation=2')).length, 1);
  t.match(log.at(-2), /INFO +stopped$/);
  t.ok(
    output.split(ESCAPE).some((text) => /^\[2m.*rotates in/.test(text)),
    'it is dim',
  );
});

t.test('it never breaks into two lines', async (t) => {
  const { terminal } = await start(t, { columns: 30 });
  await terminal.waitFor(/spiffe:\/\/default\/web: genera/);
  const shown = terminal.output().split(CLEAR).slice(1);
  const widths = shown.map((text) => stripVTControlCharacters(text.split('\r\n').at(-1) ?? '').length);
  t.ok(Math.max(...widths) <= 29, `${Math.max(...widths)} columns`);
});

t.test('who wants no colours gets none, and a terminal that can nothing gets a log alone', async (t) => {
  const plain = await start(t, { env: { NO_COLOR: '1' } });
  await plain.terminal.waitFor(/rotates in/);
  const codes = plain.terminal.output().split(ESCAPE).slice(1);
  t.same(
    codes.filter((text) => !text.startsWith('[K')),
    [],
  );
  const dumb = await start(t, { env: { TERM: 'dumb' } });
  await dumb.terminal.waitFor(/answering/);
  t.equal((await dumb.terminal.stop()).code, 0);
  t.notMatch(dumb.terminal.output(), ESCAPE);
  t.match(dumb.terminal.output(), /INFO +stopped/);
});

t.test('lines for programs stay for programs', async (t) => {
  const { terminal } = await start(t, { args: ['--log-format', 'json'] });
  await terminal.waitFor(/"event":"answering"/);
  t.equal((await terminal.stop()).code, 0);
  for (const line of terminal.output().trim().split('\r\n')) t.match(JSON.parse(line), { level: 'info' });
});
