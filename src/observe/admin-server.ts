/**
 * Status, rotate and quit on a Unix socket that only the agent's own user can reach (0600).
 *
 * @module
 */
import { type Clock, MAX_SLEEP_MS } from '../clock.ts';
import { AgentError } from '../errors.ts';
import type { Log } from '../log.ts';
import { listenAtPath } from '../unix-socket/listen-at-path.ts';
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
  const taken = await listenAtPath(
    { socket, mode: 0o600, directoryMode: 0o755 },
    {
      listen: (path) => startListening(server, { path }, options.log),
      setting: 'admin.socket',
      findListener: findLiveListener,
    },
  ).catch((thrown: unknown) => {
    server.close();
    throw thrown;
  });
  return { close: () => taken.leave().finally(() => closeHttpServer(server)) };
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
