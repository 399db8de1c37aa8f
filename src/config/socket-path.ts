import { dirname, resolve } from 'node:path';
import type { Place } from './place.ts';
import { quote } from './schema.ts';

/** Of a Unix socket's path, by the `sun_path` of Linux with its closing zero. */
const MAX_SOCKET_PATH_BYTES = 107;

/** What a socket is called until it has its mode and its place: a name in a directory beside it. */
const HIDDEN_NAME_BYTES = '/.sXXXXXX/XXXXXX'.length;

/** The absolute path of a Unix socket. One that no socket can have is reported at `place`. */
export function resolveSocketPath(path: string, place: Place, currentDirectory: string): string {
  const socket = resolve(currentDirectory, path);
  const bytes = Buffer.byteLength(socket);
  if (bytes > MAX_SOCKET_PATH_BYTES) {
    place.error(
      `the path of a Unix socket has at most ${MAX_SOCKET_PATH_BYTES} bytes, and ${quote(socket)} has ${bytes}`,
      'name a shorter one',
    );
    return socket;
  }
  const excess = Buffer.byteLength(dirname(socket)) + HIDDEN_NAME_BYTES - MAX_SOCKET_PATH_BYTES;
  if (excess > 0) {
    place.error(
      `the directory of the Unix socket ${quote(socket)} is too long by ${excess} bytes`,
      'name a shorter one',
    );
  }
  return socket;
}
