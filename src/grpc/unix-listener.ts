/**
 * A listening Unix socket that nobody can reach before its mode and group are set, and that never takes the place of
 * one that is alive.
 *
 * @module
 */
import { chmod, lchown, lstat, mkdir, mkdtemp, rename, rm, rmdir } from 'node:fs/promises';
import type { Server, Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { AgentError } from '../errors.ts';

export interface UnixSocketOptions {
  /** Absolute path. */
  readonly socket: string;
  /** Permission bits of the socket. */
  readonly mode: number;
  /** Permission bits of directories that are missing and made here. */
  readonly directoryMode: number;
  /** Numeric group of the socket, and of directories that are made here. Default: that of the process. */
  readonly group?: number | undefined;
}

export interface UnixListener {
  /** Whether the path still leads here: somebody may have cleaned up, or put something else in its place. */
  isInPlace(): Promise<boolean>;
  /** Accepts no more connections and removes the socket file, if it is its own. Those accepted go on. */
  close(): Promise<void>;
}

/** What sun_path holds on Linux, without its final NUL (unix(7)). */
const MAX_PATH_BYTES = 107;
/** More at a time wait in the kernel's queue. */
const MAX_CONNECTIONS = 256;
const PROBE_TIMEOUT_MS = 1_000;

/**
 * Listens at the path. A socket file at which nobody answers is replaced; while it is, clients find the one or the other.
 *
 * @throws AgentError `ERR_LISTEN`
 */
export async function listenAtPath(
  options: UnixSocketOptions,
  onConnection: (connection: Socket) => void,
): Promise<UnixListener> {
  const { socket } = options;
  const { createServer } = await import('node:net');
  const server = createServer(onConnection);
  server.maxConnections = MAX_CONNECTIONS;
  try {
    await refuseWhatIsInUse(socket);
    await makeDirectory(options);
    return control(server, socket, await bind(server, options));
  } catch (thrown) {
    server.close();
    throw explain(thrown, options);
  }
}

interface FileIdentity {
  readonly dev: number;
  readonly ino: number;
}

/** Bound where nobody else can reach it, given its mode and group, then moved. */
async function bind(server: Server, { socket, mode, group }: UnixSocketOptions): Promise<FileIdentity> {
  const hidden = await mkdtemp(join(dirname(socket), '.s'));
  const path = join(hidden, 's');
  try {
    refuseLongPath(socket, path);
    await startListening(server, path);
    const bound = await lstat(path);
    if (group !== undefined) await lchown(path, bound.uid, group);
    await chmod(path, mode);
    await rename(path, socket);
    return bound;
  } finally {
    await rm(path, { force: true });
    await rmdir(hidden);
  }
}

async function startListening(server: Server, path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(path, resolve);
  await promise;
  server.off('error', reject);
  // A connection that cannot be accepted (no file descriptors left) must not end the agent; the client tries again.
  server.on('error', () => undefined);
}

function control(server: Server, socket: string, bound: FileIdentity): UnixListener {
  const isInPlace = async () => {
    const found = await lstat(socket).catch(() => undefined);
    return found !== undefined && found.ino === bound.ino && found.dev === bound.dev;
  };
  return {
    isInPlace,
    async close() {
      server.close();
      if (await isInPlace()) await rm(socket, { force: true });
    },
  };
}

async function refuseWhatIsInUse(socket: string): Promise<void> {
  const found = await lstat(socket).catch(() => undefined);
  if (found === undefined) return;
  const remedy = 'move it away, or set "socket" to another path';
  if (!found.isSocket()) throw refuse(socket, 'in_use', 'there is something that is no socket', remedy);
  if (await isAnswered(socket)) {
    throw refuse(socket, 'in_use', 'another program answers there', 'end it, or set "socket" to another path');
  }
}

/** Beyond it a path can be bound, by way of the hidden one, and never be connected to. */
function refuseLongPath(socket: string, hidden: string): void {
  const longest = Math.max(Buffer.byteLength(socket), Buffer.byteLength(hidden));
  if (longest <= MAX_PATH_BYTES) return;
  const remedy = `set "socket" to a path that is shorter by ${longest - MAX_PATH_BYTES}`;
  throw refuse(socket, 'bad_path', 'the path is too long for a Unix socket', remedy);
}

/** When in doubt somebody answers: a living socket must not be taken away. */
async function isAnswered(socket: string): Promise<boolean> {
  const { connect } = await import('node:net');
  return new Promise((resolve) => {
    const connection = connect(socket);
    connection.setTimeout(PROBE_TIMEOUT_MS, () => connection.destroy());
    connection.once('connect', () => connection.destroy());
    connection.once('error', ({ code }: NodeJS.ErrnoException) =>
      resolve(code !== 'ECONNREFUSED' && code !== 'ENOENT'),
    );
    connection.once('close', () => resolve(true));
  });
}

async function makeDirectory({ socket, directoryMode, group }: UnixSocketOptions): Promise<void> {
  const directory = dirname(socket);
  const first = await mkdir(directory, { recursive: true });
  if (first === undefined) return;
  for (let path = directory; path.length >= first.length; path = dirname(path)) {
    if (group !== undefined) await lchown(path, (await lstat(path)).uid, group);
    await chmod(path, directoryMode);
  }
}

function explain(thrown: unknown, { socket, group }: UnixSocketOptions): AgentError {
  if (thrown instanceof AgentError) return thrown;
  const { code, syscall, path = socket, message } = thrown as NodeJS.ErrnoException;
  const elsewhere = 'set "socket" to a path in a directory that this process may write';
  if (syscall === 'lchown') {
    const remedy = `add group ${group} to this process (supplementalGroups of the pod, usermod -aG on a machine) or leave "group" out`;
    return refuse(socket, 'ownership', `this process may not give files to group ${group}`, remedy, thrown);
  }
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return refuse(socket, 'permission', `permission denied at ${path}`, elsewhere, thrown);
    case 'EROFS':
      return refuse(socket, 'read_only', 'the file system is read-only', elsewhere, thrown);
    case 'ENOTDIR':
    case 'EEXIST':
      return refuse(socket, 'not_a_directory', `${path} is not a directory`, elsewhere, thrown);
    default:
      return refuse(socket, 'io', code ?? message.split('\n', 1)[0] ?? '', elsewhere, thrown);
  }
}

function refuse(socket: string, detail: string, why: string, remedy: string, cause?: unknown): AgentError {
  return new AgentError('ERR_LISTEN', `cannot listen on the socket ${socket}: ${why}`, { detail, remedy, cause });
}
