import type { Command } from 'commander';
import t from 'tap';
import { describeProgram } from '../../../src/cli/command-line.ts';
import { runCommandLine } from '../../helpers/command-line.ts';
import { openFakeEdge } from '../../helpers/fake-edge.ts';
import { listCommands } from '../../helpers/program-shape.ts';
import { temporaryDirectory } from '../../helpers/temporary-directory.ts';

const directory = temporaryDirectory(t);

/** The arguments of each `meshcert` in the lines of a help that begin with `$`. */
function readExamples(help: string): string[][] {
  const lines = help.replaceAll('\\\n', ' ').matchAll(/^ +\$ (.*)$/gm);
  return Array.from(lines, ([, line = '']) => {
    const [, words = ''] = /\bmeshcert\b(?! ->)([^|<>&)]*)/.exec(line) ?? [];
    const [command = ''] = words.split(/ {3,}/);
    return [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, word = '']) => quoted ?? word);
  });
}

/** Understands arguments as the program does, and does nothing. */
async function understand(args: readonly string[]): Promise<string> {
  const { edge, error } = openFakeEdge();
  const program = describeProgram({ edge, ended: () => {} });
  const calm = (command: Command): void => {
    if (command.commands.length === 0) command.action(() => {});
    command.commands.forEach(calm);
  };
  calm(program);
  await program.parseAsync(args, { from: 'user' }).catch((thrown) => (thrown.exitCode === 0 ? undefined : thrown));
  return error();
}

for (const { path } of listCommands()) {
  t.test(path, async (t) => {
    const [, ...words] = path.split(' ');
    const { code, out } = await runCommandLine([...words, '--help'], { directory });
    t.equal(code, 0);
    t.match(out, /^Examples?:$/m);
    const examples = readExamples(out);
    t.ok(examples.length > 0);
    for (const args of examples) {
      t.equal(await understand(args), '', args.join(' '));
      t.same(args.slice(0, words.length), words, 'it is an example of this command');
    }
    const tooWide = out.split('\n').filter((line) => line.length > 132);
    t.same(tooWide, [], 'it fits a terminal');
  });
}
