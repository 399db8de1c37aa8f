import { Command, CommanderError } from 'commander';
import { addCa } from './commands/ca.ts';
import type { AddCommand } from './commands/command.ts';
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
];

/**
 * Runs the command that the arguments name, or prints help or what is wrong with them.
 *
 * @throws AgentError of the command.
 */
export async function runCommandLine(args: readonly string[], edge: Edge): Promise<ExitCode> {
  let exitCode: ExitCode = 0;
  const program = new Command('meshcert')
    .description("Turns a workload's own identity into a rotating SPIFFE certificate.")
    .version(version)
    .configureOutput({ writeOut: edge.writeOut, writeErr: edge.writeError })
    .showHelpAfterError('(run with --help to see what is possible)')
    .exitOverride();
  const ended = (code: ExitCode) => {
    exitCode = code;
  };
  for (const add of COMMANDS) add(program, { edge, ended });
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : 2;
    throw thrown;
  }
}
