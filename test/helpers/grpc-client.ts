import { Client, credentials, type ServiceError, status } from '@grpc/grpc-js';
import type { Test } from 'tap';

/** A client of grpc-js on a Unix socket. It tries to connect anew at once, as tests cannot wait. */
export function openGrpcClient(t: Pick<Test, 'teardown'>, socket: string): Client {
  const client = new Client(`unix:${socket}`, credentials.createInsecure(), {
    'grpc.initial_reconnect_backoff_ms': 20,
    'grpc.max_reconnect_backoff_ms': 50,
    // Else all clients of a process share their connections.
    'grpc.use_local_subchannel_pool': 1,
  });
  t.teardown(() => client.close());
  return client;
}

/** `UNAVAILABLE: the agent is shutting down` */
export function describeStatus({ code, details }: Pick<ServiceError, 'code' | 'details'>): string {
  return `${status[code]}: ${details}`;
}
