/**
 * Status, rotate and quit on a Unix socket that only the agent's own user can reach (0600).
 *
 * @module
 */
import { chmod, lstat, mkdir, mkdtemp, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Clock, MAX_SLEEP_MS } from '../clock.ts';
import { AgentError } from '../errors.ts';
import type { Log } from '../log.ts';
import { findLiveListener } from './find-live-listener.ts';
import {
  type Answer,
  closeHttpServer,
  type Handler,
  makeHttpServer,
  type Routes,
  startListening,
} from './http-server.ts';
import type { Status } from './status.ts';

/** What sun_path holds on Linux, without its final NUL. */
const MAX_SOCKET_PATH_BYTES = 107;

export interface AdminActions {
  status(): Status;
  /**
   * Rotates now.
   *
   * @returns the number of the generation, when every delivery has it.
   * @throws AgentError why it could not be issued or delivered.
   */
  rotate(signal: AbortSignal): Promise<number>;
  quit(): void;
}

export interface AdminServerOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Limit of one rotate, in milliseconds; at most, and by default, a minute. */
  readonly rotateTimeoutMs?: number | undefined;
}

export interface AdminServer {
  close(): Promise<void>;
}

/**
 * Listens on `socket`. A directory that is missing is made (0755, as Envoy's files may lie in the same one; the socket
 * itself is 0600). A socket file at which nobody answers is replaced, a living one never.
 *
 * @throws AgentError `ERR_LISTEN`
 */
export async function openAdminServer(
  socket: string,
  actions: AdminActions,
  options: AdminServerOptions,
): Promise<AdminServer> {
  const server = await makeHttpServer(describeRoutes(actions, options), options.log);
  let bound: { readonly dev: number; readonly ino: number };
  try {
    await refuseWhatIsInUse(socket);
    await makeDirectory(dirname(socket));
    // Bound where nobody else can reach it, narrowed, then moved: at no moment can another user connect.
    const hidden = await mkdtemp(join(dirname(socket), '.s'));
    try {
      const path = join(hidden, 's');
      refuseLongPath(socket, Buffer.byteLength(path) > Buffer.byteLength(socket) ? path : socket);
      await startListening(server, { path }, options.log);
      await chmod(path, 0o600);
      bound = await lstat(path);
      await rename(path, socket);
    } finally {
      await rm(join(hidden, 's'), { force: true });
      await rmdir(hidden);
    }
  } catch (thrown) {
    server.close();
    throw explain(thrown, socket);
  }
  return {
    async close() {
      await closeHttpServer(server);
      const found = await lstat(socket).catch(() => undefined);
      if (found?.ino === bound.ino && found.dev === bound.dev) await rm(socket, { force: true });
    },
  };
}

function describeRoutes(actions: AdminActions, options: AdminServerOptions): Routes {
  const rotate: Handler = async (gone) => {
    const timeoutMs = Math.min(options.rotateTimeoutMs ?? MAX_SLEEP_MS, MAX_SLEEP_MS);
    const done = new AbortController();
    const stop = AbortSignal.any([gone, done.signal]);
    const tooLate = options.clock.sleep(timeoutMs, stop).then(() => {
      throw new AgentError('ERR_AGENT', `not rotated within ${timeoutMs / 1000} s`, {
        remedy: 'the agent goes on trying; meshcert inspect tells how far it is',
      });
    });
    try {
      const generation = await Promise.race([actions.rotate(stop), tooLate]);
      return answerJson(200, { generation, status: actions.status() });
    } catch (thrown) {
      const { code, message, remedy } = AgentError.from(thrown);
      return answerJson(503, { error: { code, message, remedy } });
    } finally {
      tooLate.catch(() => undefined);
      done.abort();
    }
  };
  return {
    '/status': { GET: () => answerJson(200, actions.status()) },
    '/rotate': { POST: rotate },
    '/quit': {
      POST: () => {
        // After the answer is out.
        setImmediate(actions.quit);
        return answerJson(202, {});
      },
    },
  };
}

function answerJson(status: number, value: unknown): Answer {
  return { status, type: 'application/json', body: `${JSON.stringify(value, undefined, 2)}\n` };
}

async function refuseWhatIsInUse(socket: string): Promise<void> {
  const found = await lstat(socket).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isSocket()) {
    throw refuse(socket, 'there is something that is no socket', 'move it away, or set admin.socket to another path');
  }
  const who = await findLiveListener(socket);
  if (who !== undefined) {
    throw refuse(socket, `${who} answers there`, 'end it, or set admin.socket to another path');
  }
}

async function makeDirectory(directory: string): Promise<void> {
  const first = await mkdir(directory, { recursive: true });
  if (first === undefined) return;
  for (let path = directory; path.length >= first.length; path = dirname(path)) await chmod(path, 0o755);
}

function refuseLongPath(socket: string, longest: string): void {
  if (Buffer.byteLength(longest) <= MAX_SOCKET_PATH_BYTES) return;
  throw refuse(socket, 'the path is too long for a Unix socket', 'set admin.socket to a path of at most 90 bytes');
}

function refuse(socket: string, why: string, remedy: string, cause?: unknown): AgentError {
  return new AgentError('ERR_LISTEN', `cannot serve the admin socket ${socket}: ${why}`, { remedy, cause });
}

function explain(thrown: unknown, socket: string): AgentError {
  if (thrown instanceof AgentError) return thrown;
  const { code, path = socket, message } = thrown as NodeJS.ErrnoException;
  const remedy = 'set admin.socket to a path in a directory that this process may write';
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return refuse(socket, `permission denied at ${path}`, remedy, thrown);
    case 'ENOTDIR':
    case 'EEXIST':
      return refuse(socket, `${path} is not a directory`, remedy, thrown);
    default:
      return refuse(socket, code ?? message, remedy, thrown);
  }
}
