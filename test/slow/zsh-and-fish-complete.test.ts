import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { renderFish } from '../../src/cli/completion/fish.ts';
import { renderZsh } from '../../src/cli/completion/zsh.ts';
import { debianProgram } from '../helpers/debian-packages.ts';
import { listCommands } from '../helpers/program-shape.ts';
import { runCommand } from '../helpers/run-command.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const directory = temporaryDirectory(t);
const shapes = listCommands();
writeFileSync(join(directory, 'chosen.yaml'), '');
const env = { PATH: process.env.PATH, HOME: directory, TERM: 'xterm' };

/** What is typed, with the place of the cursor at its end, and a word that is offered for it. */
const QUESTIONS = [
  ['meshcert set', 'setup'],
  ['meshcert setup ', 'vault'],
  ['meshcert inspect -o ', 'yaml'],
  ['meshcert ca init --key-type rsa', 'rsa-4096'],
  ['meshcert inspect --kubern', '--kubernetes'],
  ['meshcert run -c cho', 'chosen.yaml'],
  ['meshcert ca check cho', 'chosen.yaml'],
  ['meshcert completion ', 'fish'],
] as const;

t.test('fish offers every command, every option, and what QUESTIONS ask for', async (t) => {
  const fish = await debianProgram('fish');
  const script = join(directory, 'meshcert.fish');
  writeFileSync(script, renderFish(shapes));
  const run = (command: string) => runCommand(fish, ['--no-config', '-c', command], { env, cwd: directory });
  const complete = async (text: string) => {
    const out = await run(`source ${script}; complete -C '${text}'`);
    return out.split('\n').map((line) => line.split('\t')[0]);
  };
  for (const [text, word] of QUESTIONS) t.ok((await complete(text)).includes(word), text);
  for (const { path, commands, options } of shapes) {
    const offered = new Set([...(await complete(`${path} `)), ...(await complete(`${path} -`))]);
    const wanted = [...commands.map(({ name }) => name), ...options.flatMap(({ flags }) => flags)];
    t.same(
      wanted.filter((word) => !offered.has(word)),
      [],
      path,
    );
  }
});

/** An interactive zsh in a terminal of zsh's own, in which TAB is pressed twice. */
const ASK_ZSH = `
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PS1=; autoload -U compinit; compinit -u -d $2; source $1; stty cols 200; echo rea''dy"
zpty -r shell line '*ready*'
zpty -w -n shell "$3"$'\\t\\t'
zpty -r shell line "*$4*" && print found
zpty -d shell
`;

t.test('zsh reads all of it, and offers what QUESTIONS ask for', async (t) => {
  const zsh = await debianProgram('zsh');
  const script = join(directory, '_meshcert');
  writeFileSync(script, renderZsh(shapes));
  await runCommand(zsh, ['-n', script], { env });
  const dump = join(directory, 'dump');
  for (const [text, word] of QUESTIONS) {
    // What it has typed itself stands before: it must not be what is found.
    const rest = word.slice(text.split(' ').at(-1)?.length ?? 0);
    const ask = runCommand(zsh, ['-f', '-c', ASK_ZSH, 'ask', script, dump, text, rest], { env, cwd: directory });
    t.match(await ask, 'found', text);
  }
});
