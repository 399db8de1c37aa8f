import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from './eventually.ts';

export interface ProcessOptions {
  /** For messages and the log file's name. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment. Default: PATH, and `directory` as HOME, so that nobody's own settings get in. */
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Holds `<name>.log`: stdout and stderr together. Made if need be. */
  readonly directory: string;
  /** True when it serves. Asked again and again; an error means "not yet". */
  readonly ready?: () => Promise<boolean>;
  /** Default 30,000. */
  readonly readyTimeoutMs?: number;
  /** From SIGTERM to SIGKILL. Default 5,000. */
  readonly stopTimeoutMs?: number;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface RunningProcess {
  readonly pid: number;
  readonly logFile: string;
  /** All that it wrote so far. */
  output(): string;
  kill(signal: NodeJS.Signals): void;
  readonly exited: Promise<Exit>;
  /** Idempotent. */
  stop(): Promise<Exit>;
}

/**
 * The kernel ends the child when this process dies, however it dies. Elsewhere than on Linux an orderly exit must do.
 */
const DIE_WITH_PARENT: readonly string[] = dieWithParent();
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts a program and waits until it is ready. When it is not, the error holds the end of its output. */
export async function startProcess(options: ProcessOptions): Promise<RunningProcess> {
  mkdirSync(options.directory, { recursive: true });
  const logFile = join(options.directory, `${options.name}.log`);
  const log = openSync(logFile, 'a');
  const [command = '', ...args] = [...DIE_WITH_PARENT, options.command, ...options.args];
  const child = spawn(command, args, {
    cwd: options.cwd ?? options.directory,
    env: options.env ?? plainEnvironment(options.directory),
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  running.add(child);
  // A test that fails before it can stop its children ends at once; they end with it.
  child.unref();

  const gone = new AbortController();
  const exited = new Promise<Exit>((resolve) => {
    child.once('error', (error) => {
      gone.abort(new Error(`${options.name} did not start: ${error.message}`));
      resolve({ code: null, signal: null });
    });
    child.once('exit', (code, signal) => {
      gone.abort(new Error(`${options.name} ended with ${signal ?? `exit code ${code}`}`));
      resolve({ code, signal });
    });
  });
  void exited.then(() => running.delete(child));

  const stop = async () => {
    if (gone.signal.aborted) return exited;
    child.ref();
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), options.stopTimeoutMs ?? 5_000);
    return exited.finally(() => clearTimeout(timer));
  };
  const output = () => readFileSync(logFile, 'utf8');
  if (options.ready) {
    try {
      await eventually(`${options.name} is ready`, options.ready, {
        timeoutMs: options.readyTimeoutMs ?? 30_000,
        signal: gone.signal,
      });
    } catch (error) {
      await stop();
      const tail = output().trimEnd().split('\n').slice(-15).join('\n  ');
      throw new Error(`${error instanceof Error ? error.message : error}\nThe end of ${logFile}:\n  ${tail}`);
    }
  }
  return {
    pid: child.pid ?? -1,
    logFile,
    output,
    kill: (signal) => child.kill(signal),
    get exited() {
      if (!gone.signal.aborted) child.ref();
      return exited;
    },
    stop,
  };
}

/** PATH and HOME, nothing else. */
export function plainEnvironment(home: string): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, HOME: home };
}

function dieWithParent(): string[] {
  const setpriv = ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => existsSync(path));
  const prefix = ['--pdeathsig', 'KILL', '--'];
  // That of busybox knows no --pdeathsig.
  const works = setpriv !== undefined && spawnSync(setpriv, [...prefix, 'true']).status === 0;
  return works ? [setpriv, ...prefix] : [];
}
