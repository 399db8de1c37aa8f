/**
 * Delivery by the SPIFFE Workload API: programs ask for the identity on a Unix socket, and no key touches a disk.
 *
 * @module
 */
import type { GrpcSocket } from '../../grpc/grpc-socket.ts';
import type { Log } from '../../log.ts';
import { openStateStream } from '../../store/state-stream.ts';
import type { Delivery } from '../delivery.ts';
import type { WorkloadApiConfig } from './config.ts';
import type { Served } from './service.ts';

export const WORKLOAD_API_SERVICE = 'SpiffeWorkloadAPI';

/** @param socket that of `config`, not open yet; other services may be on it, too. */
export function openWorkloadApi(
  { socket: path, hint = '' }: WorkloadApiConfig,
  socket: GrpcSocket,
  { log }: { readonly log: Log },
): Delivery {
  let isTold = false;
  const state = openStateStream<Served>({ unavailable: 'there is no X509-SVID yet: the CA has not issued one' });
  socket.add(async () => {
    const [{ findService }, { makeWorkloadApi }] = await Promise.all([
      import('../../grpc/proto.ts'),
      import('./service.ts'),
    ]);
    return { definition: findService(WORKLOAD_API_SERVICE), handlers: makeWorkloadApi(state, hint) };
  });

  return {
    name: `workload-api:${path}`,
    prepare: () => socket.open(),
    async deliver(generation) {
      state.change({ generation });
      await socket.open();
      if (!isTold) log.info('the SPIFFE Workload API is served', { SPIFFE_ENDPOINT_SOCKET: `unix://${path}` });
      isTold = true;
    },
    async withdraw() {
      state.change({ unavailable: 'the X509-SVID has expired, and the CA has not issued another' });
    },
    async close() {
      state.change({ unavailable: 'the agent is shutting down' });
      await socket.close();
    },
  };
}
