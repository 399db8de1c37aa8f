import type { Server, Socket } from 'node:net';
import { listenAtPath, type TakenPath, type UnixSocketOptions } from '../unix-socket/listen-at-path.ts';

export interface UnixListener extends Pick<TakenPath, 'isInPlace'> {
  /** Removes the socket file, if it is its own, and accepts no more connections. Those accepted go on. */
  close(): Promise<void>;
}

/** More at a time wait in the kernel's queue. */
const MAX_CONNECTIONS = 256;

/**
 * Hands over the connections to a Unix socket.
 *
 * @throws AgentError `ERR_LISTEN`
 */
export async function openUnixListener(
  options: UnixSocketOptions,
  onConnection: (connection: Socket) => void,
): Promise<UnixListener> {
  const { createServer } = await import('node:net');
  const server = createServer(onConnection);
  server.maxConnections = MAX_CONNECTIONS;
  try {
    const taken = await listenAtPath(options, {
      listen: (path) => startListening(server, path),
      setting: '"socket"',
    });
    return {
      isInPlace: taken.isInPlace,
      close: () => taken.leave().finally(() => server.close()),
    };
  } catch (thrown) {
    server.close();
    throw thrown;
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
