import { runProgram } from '../../src/cli/program.ts';
import { openFakeEdge } from './fake-edge.ts';

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

export interface CommandLineOptions {
  /** Working folder and HOME. */
  readonly directory: string;
  /** Default: empty. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Runs a command in this process, as `main.ts` would, to its end. */
export async function runCommandLine(
  args: readonly string[],
  { directory, environment = {} }: CommandLineOptions,
): Promise<Ran> {
  const { edge, out, error } = openFakeEdge({
    currentDirectory: directory,
    environment: { HOME: directory, ...environment },
  });
  const code = await runProgram(args, edge);
  return { code, out: out(), error: error() };
}
