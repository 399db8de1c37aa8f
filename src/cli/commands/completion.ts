import { Argument } from 'commander';
import { renderBash } from '../completion/bash.ts';
import { type CommandShape, describeCommands } from '../completion/command-shape.ts';
import { renderFish } from '../completion/fish.ts';
import { renderZsh } from '../completion/zsh.ts';
import type { AddCommand } from './command.ts';

const RENDERERS: Readonly<Record<string, (shapes: readonly CommandShape[]) => string>> = {
  bash: renderBash,
  zsh: renderZsh,
  fish: renderFish,
};

export const addCompletion: AddCommand = (program, { edge }) => {
  program
    .command('completion')
    .description('print what makes a shell complete the words after meshcert')
    .addHelpText(
      'after',
      `
Examples:
  $ source <(meshcert completion bash)                 for this shell
  $ meshcert completion zsh > "\${fpath[1]}/_meshcert"
  $ meshcert completion fish > ~/.config/fish/completions/meshcert.fish`,
    )
    .addArgument(new Argument('<shell>').choices(Object.keys(RENDERERS)))
    .action((shell: string) => edge.writeOut(RENDERERS[shell]?.(describeCommands(program)) ?? ''));
};
