import { AgentError } from '../../errors.ts';

export interface FailureContext {
  /** The directory of the configuration. */
  readonly directory: string;
  /** Numeric user of this process, for the words. */
  readonly uid: number | undefined;
  /** Owner and group that the configuration asks for, for the words. */
  readonly owner: number | undefined;
  readonly group: number | undefined;
}

/** An error of the operating system in the words of the person who has to mend it. Always `ERR_DELIVERY`. */
export function explainFailure(thrown: unknown, context: FailureContext): AgentError {
  if (thrown instanceof AgentError) return thrown;
  const { directory } = context;
  const { code = '', syscall, path = directory } = thrown as NodeJS.ErrnoException;
  const who = context.uid === undefined ? 'this process' : `uid ${context.uid}`;
  const fail = (detail: string, why: string, remedy: string) =>
    new AgentError('ERR_DELIVERY', `cannot write the certificate to ${directory}: ${why}`, {
      detail,
      remedy,
      cause: thrown,
    });
  if ((code === 'EPERM' || code === 'EINVAL') && syscall === 'fchown') {
    const wanted = [
      context.owner === undefined ? [] : [`owner ${context.owner}`],
      context.group === undefined ? [] : [`group ${context.group}`],
    ]
      .flat()
      .join(' and ');
    return fail(
      'ownership',
      `${who} may not give files to ${wanted}`,
      context.owner === undefined
        ? `add group ${context.group} to this process (supplementalGroups of the pod, usermod -aG on a machine) or leave "group" out`
        : 'only root can change an owner: run as root, or leave "owner" out and share the files by "group"',
    );
  }
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return fail(
        'permission',
        `permission denied at ${path} for ${who}`,
        syscall === 'mkdir' ? `create ${directory}, writable for ${who}` : `make ${directory} writable for ${who}`,
      );
    case 'EROFS':
      return fail('read_only', 'the file system is read-only', `mount a writable volume at ${directory}`);
    case 'ENOSPC':
    case 'EDQUOT':
      return fail('no_space', 'no space is left', `free some, or raise the limit of the volume at ${directory}`);
    case 'ENOTDIR':
      return fail(
        'not_a_directory',
        `something on the way to ${path} is not a directory`,
        'move it away, or name another directory',
      );
    case 'EEXIST':
      if (syscall === 'symlink') {
        return fail('foreign_file', 'another program writes there too', 'give each agent a directory of its own');
      }
      return fail('not_a_directory', `${path} is not a directory`, 'move it away, or name another directory');
    case 'ELOOP':
    case 'ENAMETOOLONG':
      return fail('bad_path', `${path} is no usable path (${code})`, 'name another directory');
    default: {
      const message = thrown instanceof Error ? thrown.message.split('\n', 1)[0] : String(thrown);
      return fail('io', code === '' ? `${message}` : `${code} at ${path}`, 'look at the volume it lies on');
    }
  }
}
