import { Command, CommanderError } from 'commander';
import { addCa } from './commands/ca.ts';
import type { AddCommand, CommandContext } from './commands/command.ts';
import { addCompletion } from './commands/completion.ts';
import { addDoctor } from './commands/doctor.ts';
import { addEnvoy } from './commands/envoy.ts';
import { addHealthcheck } from './commands/healthcheck.ts';
import { addInject } from './commands/inject.ts';
import { addInspect } from './commands/inspect.ts';
import { addRotate } from './commands/rotate.ts';
import { addRun } from './commands/run.ts';
import { addSetup } from './commands/setup.ts';
import { addSigner } from './commands/signer.ts';
import { addValidate } from './commands/validate.ts';
import { addWebhook } from './commands/webhook.ts';
import type { Edge, ExitCode } from './edge.ts';
import { version } from './version.ts';

/** In the order of the help. */
const COMMANDS: readonly AddCommand[] = [
  addRun,
  addInspect,
  addRotate,
  addValidate,
  addDoctor,
  addSetup,
  addCa,
  addEnvoy,
  addInject,
  addWebhook,
  addSigner,
  addHealthcheck,
  addCompletion,
];

const EXAMPLES = `
Examples:
  $ meshcert run                                       try it: a CA of its own, files in ./.meshcert/identity
  $ meshcert validate -c mesh.yaml -c agent.yaml       is the configuration right?
  $ meshcert doctor -c mesh.yaml -c agent.yaml         does the CA give what it asks for?
  $ meshcert run -c mesh.yaml -c agent.yaml
  $ meshcert inspect                                   how is it?

Exit codes: 0 done, 1 failed at run time, 2 wrong usage or configuration. \`meshcert COMMAND --help\` tells more.`;

/**
 * Runs the command that the arguments name, or prints help or what is wrong with them.
 *
 * @throws AgentError of the command.
 */
export async function runCommandLine(args: readonly string[], edge: Edge): Promise<ExitCode> {
  let exitCode: ExitCode = 0;
  const ended = (code: ExitCode) => {
    exitCode = code;
  };
  const program = describeProgram({ edge, ended });
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : 2;
    throw thrown;
  }
}

/** All commands with their options and help. */
export function describeProgram(context: CommandContext): Command {
  const { writeOut, writeError } = context.edge;
  const program = new Command('meshcert')
    .description("Turns a workload's own identity into a rotating SPIFFE certificate.")
    .version(version)
    .addHelpText('after', EXAMPLES)
    .configureOutput({ writeOut, writeErr: writeError })
    .showHelpAfterError('(run with --help to see what is possible)')
    .exitOverride();
  for (const add of COMMANDS) add(program, context);
  return program;
}
