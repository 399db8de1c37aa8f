import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { builtProgram } from './agent.ts';
import { plainEnvironment } from './process.ts';

export interface Finished {
  /** Null: it had to be killed. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Working folder and HOME. */
  readonly directory: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What the program is started with, such as `setpriv ...`. */
  readonly startedBy?: readonly string[];
  /** Default 30,000; then it is killed. */
  readonly timeoutMs?: number;
}

/** Runs a command of the built program to its end, whatever that is. */
export async function runMeshcert(
  args: readonly string[],
  { directory, env, startedBy = [], timeoutMs = 30_000 }: RunOptions,
): Promise<Finished> {
  const [command = '', ...all] = [...startedBy, builtProgram(), ...args];
  const child = spawn(command, all, {
    cwd: directory,
    env: { ...plainEnvironment(directory), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code, stdout, stderr };
}
