/**
 * Delivery by Envoy's secret discovery service: proxies subscribe on a Unix socket, and no key touches a disk.
 *
 * @module
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../clock.ts';
import type { GrpcService, GrpcSocket } from '../../grpc/grpc-socket.ts';
import type { Log } from '../../log.ts';
import { openStateStream, type StateStream } from '../../store/state-stream.ts';
import type { Delivery } from '../delivery.ts';
import type { SdsConfig } from './config.ts';
import { openRejectionLog } from './rejections.ts';
import { makeSecrets, NO_SECRETS, type Secrets } from './secrets.ts';

export const SDS_SERVICE = 'envoy.service.secret.v3.SecretDiscoveryService';

/** What this delivery tells about its clients. */
export interface SdsObserver {
  streamOpened(): void;
  streamClosed(): void;
  /** A client could not use what it was sent. */
  rejected(): void;
}

export interface SdsPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: SdsObserver;
}

/** @param socket that of `config`, not open yet; other services may be on it, too. */
export function openSds(config: SdsConfig, socket: GrpcSocket, ports: SdsPorts): Delivery {
  const name = `sds:${config.socket}`;
  const secrets = openStateStream<Secrets | undefined>(undefined);
  const tellRejection = openRejectionLog(name, ports);
  const rejected = (reason: string) => {
    ports.observer.rejected();
    tellRejection(reason);
  };
  socket.add(() => loadService({ secrets, rejected }, ports.observer));

  return {
    name,
    prepare: () => socket.open(),
    async deliver(generation) {
      const { findCodec } = await import('../../grpc/proto.ts');
      secrets.change(makeSecrets(generation, config, findCodec));
      await socket.open();
      // Until then every client that is no slow reader has been written to.
      await nextTurn();
    },
    async withdraw() {
      secrets.change(NO_SECRETS);
    },
    close: () => socket.close(),
  };
}

interface ServicePorts {
  readonly secrets: StateStream<Secrets | undefined>;
  rejected(reason: string): void;
}

async function loadService(ports: ServicePorts, observer: SdsObserver): Promise<GrpcService> {
  const [{ findService }, { makeSdsHandlers }] = await Promise.all([
    import('../../grpc/proto.ts'),
    import('./service.ts'),
  ]);
  return { definition: findService(SDS_SERVICE), handlers: makeSdsHandlers(ports, observer) };
}
