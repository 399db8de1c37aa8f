import { AgentError } from '../errors.ts';
import type { Edge, ExitCode } from './edge.ts';
import { RUN_DEFAULTS, run } from './run.ts';

/** Runs the command that the arguments name. Prints what goes wrong as one line for a person; never throws. */
export async function runProgram(args: readonly string[], edge: Edge): Promise<ExitCode> {
  try {
    const files = readPlainRun(args);
    if (files !== undefined) return await run({ ...RUN_DEFAULTS, files }, edge);
    const { runCommandLine } = await import('./command-line.ts');
    return await runCommandLine(args, edge);
  } catch (thrown) {
    const error = AgentError.from(thrown);
    edge.writeError(`meshcert: ${error.line}\n`);
    return error.code === 'ERR_CONFIG' ? 2 : 1;
  }
}

/**
 * The way in which agents are started, `run` with nothing but files, needs no library to be understood: that saves 2 ms.
 *
 * @returns the files, or undefined for all other arguments.
 */
export function readPlainRun([command, ...rest]: readonly string[]): string[] | undefined {
  if (command !== 'run' || rest.length % 2 !== 0) return undefined;
  const files = rest.filter((_, index) => index % 2 === 1);
  const names = rest.filter((_, index) => index % 2 === 0);
  const isPlain =
    names.every((name) => name === '-c' || name === '--config') &&
    files.every((file) => file !== '' && !file.startsWith('-'));
  return isPlain ? files : undefined;
}
