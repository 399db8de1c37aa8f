import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { renderBash } from '../../../src/cli/completion/bash.ts';
import { listCommands } from '../../helpers/program-shape.ts';
import { runCommand } from '../../helpers/run-command.ts';
import { temporaryDirectory } from '../../helpers/temporary-directory.ts';

const directory = temporaryDirectory(t);
const shapes = listCommands();
const script = join(directory, 'meshcert');
writeFileSync(script, renderBash(shapes));

/** What bash offers in the place of the last word. Nothing: it offers files. */
async function complete(...words: string[]): Promise<string[]> {
  const ask = `source "$0" && COMP_WORDS=("$@") && COMP_CWORD=$(($# - 1)) && _meshcert && printf '%s\\n' "\${COMPREPLY[@]}"`;
  const out = await runCommand('bash', ['--norc', '-c', ask, script, ...words], { env: { PATH: process.env.PATH } });
  return out.split('\n').filter((word) => word !== '');
}

t.test('every command and every option of every command is offered', async (t) => {
  t.ok(shapes.length > 12);
  for (const { path, commands, options } of shapes) {
    const words = path.split(' ');
    const names = commands.map(({ name }) => name);
    if (names.length > 0) t.same(await complete(...words, ''), names, path);
    t.same(new Set(await complete(...words, '-')), new Set(options.flatMap(({ flags }) => flags)), `${path} -`);
  }
});

t.test('values are offered where they are known, whatever stands before', async (t) => {
  t.same(await complete('meshcert', 'ins'), ['inspect']);
  t.same(await complete('meshcert', 'setup', 'v'), ['vault']);
  t.same(await complete('meshcert', 'inspect', '-o', ''), ['table', 'json', 'yaml']);
  t.same(await complete('meshcert', 'inspect', '-n', 'run', '--output', 'j'), ['json']);
  t.same(await complete('meshcert', 'inspect', '--output', '=', 'y'), ['yaml']);
  t.same(await complete('meshcert', 'inspect', '--output', '='), ['table', 'json', 'yaml']);
  t.same(await complete('meshcert', 'ca', 'init', '--key-type', 'rsa'), ['rsa-2048', 'rsa-3072', 'rsa-4096']);
  t.same(await complete('meshcert', 'completion', ''), ['bash', 'zsh', 'fish']);
});

t.test('where a file is meant, bash offers files', async (t) => {
  t.same(await complete('meshcert', 'run', '-c', ''), []);
  t.same(await complete('meshcert', 'ca', 'check', ''), []);
  const registered = await runCommand('bash', ['--norc', '-c', 'source "$0" && complete -p meshcert', script], {
    env: { PATH: process.env.PATH },
  });
  t.match(registered, '-o default');
});
