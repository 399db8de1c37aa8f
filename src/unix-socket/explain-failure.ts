import { AgentError } from '../errors.ts';

/** Of which socket errors tell. */
export interface SocketName {
  /** Absolute path. */
  readonly socket: string;
  /** What sets it in the configuration: `admin.socket`. */
  readonly setting: string;
  readonly group?: number | undefined;
}

/** What cannot be listened at, and what to do. `detail` is one word. */
export function refuse(
  { socket }: SocketName,
  detail: string,
  why: string,
  remedy: string,
  cause?: unknown,
): AgentError {
  return new AgentError('ERR_LISTEN', `cannot listen on the socket ${socket}: ${why}`, { detail, remedy, cause });
}

/** An error of the operating system, in words. */
export function explainFailure(thrown: unknown, name: SocketName): AgentError {
  if (thrown instanceof AgentError) return thrown;
  const { code, syscall, path = name.socket, message } = thrown as NodeJS.ErrnoException;
  const fail = (detail: string, why: string, remedy: string) => refuse(name, detail, why, remedy, thrown);
  const elsewhere = `set ${name.setting} to a path in a directory that this process may write`;
  if (syscall === 'lchown') {
    const { group } = name;
    const remedy = `add group ${group} to this process (supplementalGroups of the pod, usermod -aG on a machine) or leave "group" out`;
    return fail('ownership', `this process may not give files to group ${group}`, remedy);
  }
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return fail('permission', `permission denied at ${path}`, elsewhere);
    case 'EROFS':
      return fail('read_only', 'the file system is read-only', elsewhere);
    case 'ENOTDIR':
    case 'EEXIST':
      return fail('not_a_directory', `${path} is not a directory`, elsewhere);
    default:
      return fail('io', code ?? message.split('\n', 1)[0] ?? '', elsewhere);
  }
}
