import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { StarterAnswer, StarterTask } from './socket-starter.ts';

const PROGRAM = join(import.meta.dirname, 'socket-starter.ts');

export interface SocketStarter {
  readonly pid: number;
  /** Opens a socket there, and goes on serving it. */
  open(task: StarterTask): Promise<StarterAnswer>;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
}

/** Starts processes that open sockets when they are told to. They end with the test. */
export async function startSocketStarters(t: Pick<Test, 'teardown'>, count: number): Promise<SocketStarter[]> {
  const starters = await Promise.all(Array.from({ length: count }, startSocketStarter));
  t.teardown(() => Promise.all(starters.map((starter) => starter.kill())));
  return starters;
}

async function startSocketStarter(): Promise<SocketStarter> {
  // Without what a runner of tests adds to its own processes.
  const child = fork(PROGRAM, { execArgv: [], env: { PATH: process.env.PATH } });
  const exited = once(child, 'exit');
  const ended = exited.then(() => Promise.reject(new Error('a starter has ended')));
  ended.catch(() => undefined);
  const readAnswer = async (): Promise<StarterAnswer> => {
    const [{ answer }] = await Promise.race([once(child, 'message'), ended]);
    return answer;
  };
  await readAnswer();
  return {
    pid: child.pid ?? -1,
    open(task) {
      const answer = readAnswer();
      child.send(task);
      return answer;
    },
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
