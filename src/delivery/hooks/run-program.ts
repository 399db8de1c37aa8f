import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { AgentError } from '../../errors.ts';

/** From the polite end of a program to the one that it cannot refuse. */
const KILL_AFTER_MS = 1_000;
/** A program that has ended may have left a child that holds its output open. */
const DRAIN_MS = 200;
/** What is kept of a program's output; the rest is read, so that it is not held up, and dropped. */
const MAX_OUTPUT_BYTES = 4_096;

export interface Program {
  /** For messages. The arguments are in none: one may be a password. */
  readonly name: string;
  readonly argv: readonly [string, ...string[]];
  /** All of it. */
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

export interface ProgramPorts {
  readonly sendSignal: SendSignal;
  /** Gets the beginning of what it wrote, private keys blotted out, when it has ended and has written something. */
  readonly tellOutput: (output: string) => void;
}

/**
 * Signals the process, or with a negative number the group.
 *
 * @throws the error of `kill(2)`.
 */
export type SendSignal = (pid: number, signal: NodeJS.Signals) => void;

/**
 * Runs a program without a shell, in a process group of its own, to its end. After the time limit, or when the signal is
 * aborted, the whole group is ended.
 *
 * @throws AgentError `ERR_DELIVERY`: not there, not executable, time limit, exit code, signal.
 */
export async function runProgram(program: Program, ports: ProgramPorts, signal: AbortSignal): Promise<void> {
  const [file, ...args] = program.argv;
  const child = spawn(file, args, { env: program.environment, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const readOutput = collectOutput(child);
  const ended = waitForEnd(child, program.name);
  const done = new AbortController();
  const limit = AbortSignal.timeout(program.timeoutMs);
  const killing = killGroupWhenAborted(child, AbortSignal.any([signal, limit]), done.signal, ports.sendSignal);
  try {
    const { code, by } = await ended;
    const output = await readOutput();
    if (output !== '') ports.tellOutput(output);
    const fail = (why: string, detail: string) => refuse(program.name, `${why}${lastLine(output)}`, detail);
    if (limit.aborted) throw fail(`did not end within ${program.timeoutMs / 1000} s and was killed`, 'timeout');
    if (signal.aborted) throw fail('was killed, as the agent is stopping', 'stopping');
    if (by !== null) throw fail(`was ended by ${by}`, 'killed');
    if (code !== 0) throw fail(`ended with exit code ${code}`, 'exit_code');
  } finally {
    done.abort();
    await killing;
  }
}

function waitForEnd(child: ChildProcess, name: string): Promise<{ code: number | null; by: NodeJS.Signals | null }> {
  return new Promise((resolve, reject) => {
    child.once('exit', (code, by) => resolve({ code, by }));
    child.once('error', (cause: NodeJS.ErrnoException) => reject(explainStart(cause, name)));
  });
}

function explainStart(cause: NodeJS.ErrnoException, name: string): AgentError {
  const program = cause.path ?? 'the program';
  switch (cause.code) {
    case 'ENOENT':
      return refuse(
        name,
        `there is no program ${program}`,
        'no_program',
        'install it, or name it by its absolute path',
      );
    case 'EACCES':
      return refuse(name, `${program} may not be executed`, 'permission', `make it executable for this process`);
    default:
      return refuse(name, `${program} cannot be started (${cause.code ?? 'unknown'})`, 'start');
  }
}

async function killGroupWhenAborted(
  child: ChildProcess,
  abort: AbortSignal,
  done: AbortSignal,
  sendSignal: SendSignal,
): Promise<void> {
  const either = AbortSignal.any([abort, done]);
  if (!either.aborted) await once(either, 'abort');
  if (done.aborted || child.pid === undefined) return;
  const group = -child.pid;
  const kill = (signal: NodeJS.Signals) => {
    try {
      sendSignal(group, signal);
    } catch {
      // It has ended meanwhile.
    }
  };
  kill('SIGTERM');
  const later = AbortSignal.any([AbortSignal.timeout(KILL_AFTER_MS), done]);
  if (!later.aborted) await once(later, 'abort');
  // Also when the program itself has ended: whatever it started is to go with it.
  kill('SIGKILL');
}

/** @returns what to call after the end, for the beginning of stdout and stderr together. */
function collectOutput({ stdout, stderr }: ChildProcess): () => Promise<string> {
  let kept = Buffer.alloc(0);
  const streams = [stdout, stderr].filter((stream) => stream !== null);
  const closed = streams.map((stream) => {
    stream.on('data', (chunk: Buffer) => {
      if (kept.length < MAX_OUTPUT_BYTES) {
        kept = Buffer.concat([kept, chunk.subarray(0, MAX_OUTPUT_BYTES - kept.length)]);
      }
    });
    stream.on('error', () => undefined);
    return new Promise((resolve) => stream.once('close', resolve));
  });
  return async () => {
    const late = AbortSignal.timeout(DRAIN_MS);
    await Promise.race([Promise.all(closed), once(late, 'abort')]);
    for (const stream of streams) stream.destroy();
    return blotKeys(kept.toString('utf8')).trim();
  };
}

/** Whatever a script prints of the key goes into no log. */
function blotKeys(text: string): string {
  return text.replace(/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g, '(a key)');
}

/** Most programs give their reason last. */
function lastLine(output: string): string {
  const line =
    output
      .split('\n')
      .at(-1)
      ?.replaceAll(/\p{Cc}+/gu, ' ')
      .trim()
      .slice(0, 200) ?? '';
  return line === '' ? '' : `: ${line}`;
}

function refuse(name: string, why: string, detail: string, remedy = 'run it by hand to see what is wrong'): AgentError {
  return new AgentError('ERR_DELIVERY', `${name} failed: ${why}`, { detail, remedy });
}
