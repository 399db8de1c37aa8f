/**
 * A process that opens sockets of the agent when it is told to by a message, and answers each with how that went. It goes
 * on serving what it opened until it is killed.
 *
 * @module
 */
import { createServer } from 'node:net';
import { systemClock } from '../../src/clock.ts';
import { openGrpcSocket } from '../../src/grpc/grpc-socket.ts';
import { openAdminServer } from '../../src/observe/admin-server.ts';
import type { Status } from '../../src/observe/status.ts';
import { listenAtPath } from '../../src/unix-socket/listen-at-path.ts';
import { openRecordingLog } from './recording-log.ts';

/** `halfway`: stands still where it has found that nobody answers, and is about to replace what lies there. */
export type SocketKind = 'admin' | 'grpc' | 'halfway';

export interface StarterTask {
  readonly kind: SocketKind;
  readonly path: string;
}

/** Undefined: it listens. */
export type StarterAnswer = { readonly code?: string; readonly line?: string } | undefined;

const OPEN: Readonly<Record<SocketKind, (path: string) => Promise<unknown>>> = {
  admin: (path) =>
    openAdminServer(
      path,
      {
        status: () => ({ spiffeId: 'spiffe://default/web', agent: { pid: process.pid } }) as Status,
        rotate: async () => 1,
        quit: () => undefined,
      },
      { clock: systemClock, log: openRecordingLog() },
    ),
  grpc: (socket) => openGrpcSocket({ socket, mode: 0o600, directoryMode: 0o700 }, { clock: systemClock }).open(),
  halfway: openHalfway,
};

/** @param socket where a killed process left one. */
function openHalfway(socket: string): Promise<void> {
  const server = createServer();
  let asked = 0;
  return new Promise((resolve, reject) => {
    listenAtPath(
      { socket, mode: 0o600, directoryMode: 0o700 },
      {
        listen: (path) => new Promise((done) => server.listen(path, done)),
        setting: 'socket',
        async findListener() {
          asked += 1;
          if (asked === 1) return undefined;
          resolve();
          return new Promise(() => undefined);
        },
      },
    ).catch(reject);
  });
}

process.on('message', async ({ kind, path }: StarterTask) => {
  const answer = await OPEN[kind](path).then(
    () => undefined,
    ({ code, line, message }) => ({ code, line: line ?? message }),
  );
  process.send?.({ answer });
});
process.once('disconnect', () => process.exit());
process.send?.({ answer: undefined });
