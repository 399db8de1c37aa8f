import { join } from 'node:path';
import type { Client } from '@grpc/grpc-js';
import type { Test } from 'tap';
import { systemClock } from '../../src/clock.ts';
import type { Delivery } from '../../src/delivery/delivery.ts';
import type { SdsConfig } from '../../src/delivery/sds/config.ts';
import { openSds } from '../../src/delivery/sds/sds.ts';
import { openGrpcSocket } from '../../src/grpc/grpc-socket.ts';
import { openCountingSdsObserver } from './counting-sds-observer.ts';
import { openGrpcClient } from './grpc-client.ts';
import { openRecordingLog } from './recording-log.ts';
import { temporaryDirectory } from './temporary-directory.ts';

export interface SdsBench {
  readonly path: string;
  readonly log: readonly string[];
  readonly counts: { readonly streams: number; readonly rejections: number };
  /** With a new one it is as if the agent had restarted. Closed at the end of the test. */
  open(): Promise<Delivery>;
  openClient(): Client;
}

/** The real secret discovery service on a socket of its own, without an agent. */
export function makeSdsBench(t: Pick<Test, 'teardown'>, options: Partial<SdsConfig> = {}): SdsBench {
  const path = join(temporaryDirectory(t), 's.sock');
  const log = openRecordingLog();
  const observer = openCountingSdsObserver();
  const config: SdsConfig = {
    ...{ socket: path, mode: 0o600, directoryMode: 0o755 },
    ...{ validator: 'trustedCa', certificateNames: [], bundleNames: [] },
    ...options,
  };
  return {
    path,
    log: log.lines,
    counts: observer.counts,
    async open() {
      const socket = openGrpcSocket(config, { clock: systemClock });
      const delivery = openSds(config, socket, { clock: systemClock, log, observer });
      t.teardown(() => delivery.close());
      await delivery.prepare();
      return delivery;
    },
    openClient: () => openGrpcClient(t, path),
  };
}
