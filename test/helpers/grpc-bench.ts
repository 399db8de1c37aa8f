import { join } from 'node:path';
import type { Client } from '@grpc/grpc-js';
import type { Test } from 'tap';
import { systemClock } from '../../src/clock.ts';
import { type GrpcService, type GrpcSocket, openGrpcSocket } from '../../src/grpc/grpc-socket.ts';
import type { UnixSocketOptions } from '../../src/unix-socket/listen-at-path.ts';
import { openGrpcClient } from './grpc-client.ts';
import { temporaryDirectory } from './temporary-directory.ts';

export interface GrpcBench {
  readonly path: string;
  readonly socket: GrpcSocket;
  openClient(): Client;
}

/** A gRPC server of ours on a socket of its own, opened unless said otherwise, closed at the end of the test. */
export async function openGrpcBench(
  t: Test,
  services: readonly GrpcService[],
  { open = true, ...options }: Partial<UnixSocketOptions> & { open?: boolean } = {},
): Promise<GrpcBench> {
  const path = options.socket ?? join(temporaryDirectory(t), 'test.sock');
  const socket = openGrpcSocket(
    { mode: 0o600, directoryMode: 0o700, ...options, socket: path },
    { clock: systemClock },
  );
  for (const service of services) socket.add(async () => service);
  t.teardown(() => socket.close());
  if (open) await socket.open();
  return { path, socket, openClient: () => openGrpcClient(t, path) };
}
