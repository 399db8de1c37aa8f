import { type Command, InvalidArgumentError } from 'commander';
import type { Edge, ExitCode } from '../edge.ts';

/** What a command is told when it adds itself to the program. */
export interface CommandContext {
  readonly edge: Edge;
  /** How the command ended; not called: 0. */
  readonly ended: (code: ExitCode) => void;
}

/** Describes one command: options, help, examples. What it does is imported when it is run. */
export type AddCommand = (program: Command, context: CommandContext) => void;

/** What every command with a configuration is given. */
export interface ConfigOptions {
  readonly config: string[];
}

/** What every command that asks the running agent is given. */
export interface AdminOptions extends ConfigOptions {
  readonly socket?: string;
}

/** A command that reads the configuration. */
export function addCommand(
  program: Command,
  { name, description, examples }: { name: string; description: string; examples: string },
): Command {
  return program
    .command(name)
    .description(description)
    .addHelpText('after', `\n${examples}`)
    .option('-c, --config <file>', 'configuration; may be given several times', collect, [] as string[]);
}

/** A command that asks the running agent. */
export function addAdminCommand(...args: Parameters<typeof addCommand>): Command {
  return addCommand(...args).option('--socket <path>', "the agent's admin socket; default: the configuration's");
}

function collect(value: string, previous: string[]): string[] {
  if (value === '') throw new InvalidArgumentError('it is empty');
  return [...previous, value];
}
