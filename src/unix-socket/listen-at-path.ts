/**
 * A listening Unix socket that nobody can reach before its mode and group are set, and that never takes the place of
 * one that is alive.
 *
 * @module
 */
import { chmod, lchown, lstat, mkdir, mkdtemp, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { explainFailure, refuse, type SocketName } from './explain-failure.ts';
import { findListener } from './find-listener.ts';
import { takePath } from './take-path.ts';

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

export interface UnixSocketPorts {
  /** Begins to listen at a path, once. After a failure of `listenAtPath` the caller ends it. */
  readonly listen: (path: string) => Promise<void>;
  /** What sets the socket in the configuration, for the words of errors. */
  readonly setting: string;
  /** Who answers at a path, in words; undefined when nobody does. Default: whoever accepts is "another program". */
  readonly findListener?: (path: string) => Promise<string | undefined>;
}

/** The path of a socket that is listened at. */
export interface TakenPath {
  /** Whether the path still leads here: somebody may have cleaned up, or put something else in its place. */
  isInPlace(): Promise<boolean>;
  /** Removes the socket's file if it is the own one. To be called before listening ends: until then nobody replaces it. */
  leave(): Promise<void>;
}

/** What sun_path holds on Linux, without its final NUL (unix(7)). */
const MAX_PATH_BYTES = 107;

const HIDDEN = '.s';

/**
 * Listens at the path. A socket file at which nobody answers is replaced; while it is, clients find the one or the
 * other. Of many that start at the same moment, one does; the others fail.
 *
 * @throws AgentError `ERR_LISTEN`
 */
export async function listenAtPath(options: UnixSocketOptions, ports: UnixSocketPorts): Promise<TakenPath> {
  const { socket } = options;
  const name = { ...options, setting: ports.setting };
  const refuseWhatIsInUse = (path: string) => refuseUnlessDead(path, name, ports.findListener ?? findListener);
  try {
    // Will be asked again when it is decided. Whoever cannot win is not to be in the way of others.
    await refuseWhatIsInUse(socket);
    await makeDirectory(options);
    return control(socket, await bind(options, name, ports.listen, refuseWhatIsInUse));
  } catch (thrown) {
    throw explainFailure(thrown, name);
  }
}

interface FileIdentity {
  readonly dev: number;
  readonly ino: number;
}

/** Bound where nobody else can reach it, given its mode and group, then moved. */
async function bind(
  { socket, mode, group }: UnixSocketOptions,
  socketName: SocketName,
  listen: UnixSocketPorts['listen'],
  refuseWhatIsInUse: (path: string) => Promise<void>,
): Promise<FileIdentity> {
  const directory = await mkdtemp(join(dirname(socket), HIDDEN));
  const name = basename(directory).slice(HIDDEN.length);
  const path = join(directory, name);
  try {
    refuseLongPath(socketName, path);
    await listen(path);
    const bound = await lstat(path);
    if (group !== undefined) await lchown(path, bound.uid, group);
    await chmod(path, mode);
    await takePath({ directory, name }, socket, refuseWhatIsInUse);
    return bound;
  } catch (thrown) {
    await rm(path, { force: true });
    await rmdir(directory).catch(() => undefined);
    throw thrown;
  }
}

function control(socket: string, bound: FileIdentity): TakenPath {
  const isInPlace = async () => {
    const found = await lstat(socket).catch(() => undefined);
    return found !== undefined && found.ino === bound.ino && found.dev === bound.dev;
  };
  return {
    isInPlace,
    async leave() {
      if (await isInPlace()) await rm(socket, { force: true });
    },
  };
}

/** @param path the socket's, or that of one which is about to take it. */
async function refuseUnlessDead(
  path: string,
  name: SocketName,
  find: (path: string) => Promise<string | undefined>,
): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return;
  const another = `set ${name.setting} to another path`;
  if (!found.isSocket()) {
    const what = `${path === name.socket ? 'there' : path} is something that is no socket`;
    throw refuse(name, 'in_use', what, `move it away, or ${another}`);
  }
  const who = await find(path);
  if (who !== undefined) throw refuse(name, 'in_use', `${who} answers there`, `end it, or ${another}`);
}

/** Beyond it a path can be bound, by way of the hidden one, and never be connected to. */
function refuseLongPath(name: SocketName, hidden: string): void {
  const longest = Math.max(Buffer.byteLength(name.socket), Buffer.byteLength(hidden));
  if (longest <= MAX_PATH_BYTES) return;
  const remedy = `set ${name.setting} to a path that is shorter by ${longest - MAX_PATH_BYTES}`;
  throw refuse(name, 'bad_path', 'the path is too long for a Unix socket', remedy);
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
