import { join } from 'node:path';
import type { Test } from 'tap';
import { systemClock } from '../../src/clock.ts';
import type { Delivery } from '../../src/delivery/delivery.ts';
import { openDeliveries } from '../../src/delivery/open.ts';
import type { WorkloadApiConfig } from '../../src/delivery/workload-api/config.ts';
import { openCountingSdsObserver } from './counting-sds-observer.ts';
import { openRecordingLog } from './recording-log.ts';
import { temporaryDirectory } from './temporary-directory.ts';

export interface WorkloadApiBench {
  /** Path of the socket. */
  readonly path: string;
  readonly log: readonly string[];
  /** Opened as the agent opens it, but nothing is delivered yet; closed at the end of the test. */
  open(): Promise<Delivery>;
}

/** The Workload API as it is wired for a configuration, without an agent; with a new `open` it is as if one had restarted. */
export function makeWorkloadApiBench(
  t: Pick<Test, 'teardown'>,
  options: Partial<WorkloadApiConfig> = {},
): WorkloadApiBench {
  const path = join(temporaryDirectory(t), 'w.sock');
  const log = openRecordingLog();
  const workloadApi = { socket: path, mode: 0o660, directoryMode: 0o755, ...options };
  return {
    path,
    log: log.lines,
    async open() {
      const config = { files: [], workloadApi, hooks: [], verify: [] };
      const [delivery] = await openDeliveries(config, {
        clock: systemClock,
        log,
        readSource: async () => '',
        uid: undefined,
        sds: openCountingSdsObserver(),
      });
      if (delivery === undefined) throw new Error('there is no delivery');
      t.teardown(() => delivery.close());
      await delivery.prepare();
      return delivery;
    },
  };
}
