import { constants } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { AgentError } from '../../errors.ts';
import type { SignalHook } from './config.ts';
import type { SendSignal } from './run-program.ts';

/** Linux keeps so much of a process's name (TASK_COMM_LEN without its closing zero). */
const MAX_COMM_BYTES = 15;
/** The first line is all that is wanted. */
const MAX_PID_FILE_BYTES = 64;

export interface SignalPorts {
  readonly sendSignal: SendSignal;
  /** The number of this process: a pid file that names it would make it rotate for ever. */
  readonly ownPid: number;
  /** Numeric user of this process, for the words of errors. */
  readonly uid: number | undefined;
}

/**
 * Signals the process whose number stands in the first line of the file (PostgreSQL writes more lines), read anew each
 * time. When the hook names the program, the process must have that name, so that no stranger is signalled that was
 * given the number of one that is gone.
 *
 * @throws AgentError `ERR_DELIVERY`
 */
export async function signalProcess(hook: SignalHook, ports: SignalPorts): Promise<void> {
  const { name, signal, pidFile, processName } = hook;
  const pid = await readPid(hook);
  if (pid === ports.ownPid) {
    throw refuse(name, `${pidFile} holds the number of this agent`, 'wrong_process', 'name the file of the program');
  }
  if (processName !== undefined) await checkName(hook, pid, processName);
  try {
    ports.sendSignal(pid, signal);
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    if (code === 'ESRCH') throw gone(hook, pid);
    if (code !== 'EPERM') throw refuse(name, `process ${pid} cannot be signalled (${code})`, 'signal');
    const who = ports.uid === undefined ? 'this process' : `uid ${ports.uid}`;
    const remedy = 'run the agent as its user, or with CAP_KILL';
    throw refuse(name, `${who} may not signal process ${pid}`, 'permission', remedy);
  }
}

async function readPid({ name, pidFile }: SignalHook): Promise<number> {
  const text = await readBeginning(pidFile).catch((thrown: NodeJS.ErrnoException) => {
    const { code } = thrown;
    if (code === 'ENOENT') {
      throw refuse(name, `there is no file ${pidFile}`, 'no_pid_file', 'start the program, or mend pidFile');
    }
    const why = code === 'EACCES' ? 'permission denied' : code === 'EISDIR' ? 'it is a directory' : code;
    throw refuse(name, `cannot read ${pidFile}: ${why}`, 'pid_file', 'make it readable for this process');
  });
  const [, digits = ''] = /^\s*(\d{1,10})\s*(?:\n|$)/.exec(text) ?? [];
  const pid = Number(digits);
  // 0 would be everybody in this process's own group.
  if (digits !== '' && pid > 0) return pid;
  const what = text.trim() === '' ? 'is empty' : 'does not begin with the number of a process';
  throw refuse(name, `${pidFile} ${what}`, 'pid_file', 'mend pidFile');
}

/** Does not wait for the writer of a pipe. */
async function readBeginning(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_PID_FILE_BYTES));
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await file.close();
  }
}

/** The file is Linux's; elsewhere every process counts as gone. */
async function checkName(hook: SignalHook, pid: number, wanted: string): Promise<void> {
  const comm = await readFile(`/proc/${pid}/comm`).catch(() => undefined);
  if (comm === undefined) throw gone(hook, pid);
  const found = comm.subarray(0, comm.at(-1) === 0x0a ? -1 : undefined);
  if (found.equals(Buffer.from(wanted).subarray(0, MAX_COMM_BYTES))) return;
  const shown = JSON.stringify(found.toString('utf8'));
  throw refuse(
    hook.name,
    `process ${pid}, of ${hook.pidFile}, is ${shown} and not "${wanted}"`,
    'wrong_process',
    'start the program, or mend pidFile or process',
  );
}

function gone({ name, pidFile }: SignalHook, pid: number): AgentError {
  return refuse(name, `process ${pid}, of ${pidFile}, is gone`, 'gone', 'start the program');
}

function refuse(name: string, why: string, detail: string, remedy?: string): AgentError {
  return new AgentError('ERR_DELIVERY', `${name} failed: ${why}`, { detail, ...(remedy && { remedy }) });
}
