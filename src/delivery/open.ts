import type { Clock } from '../clock.ts';
import type { DeliverConfig } from '../config/config.ts';
import type { ReadDataSource } from '../data-source.ts';
import type { Log } from '../log.ts';
import type { Delivery } from './delivery.ts';
import { openFiles } from './files/files.ts';
import type { SdsObserver } from './sds/sds.ts';

export interface DeliveryContext {
  readonly clock: Clock;
  readonly log: Log;
  /** Of passwords. */
  readonly readSource: ReadDataSource;
  /** Numeric user of this process, for the words of errors. */
  readonly uid: number | undefined;
  readonly sds: SdsObserver;
}

/** Opens what the configuration names, and loads nothing else. Touches neither network nor files; those wait for `prepare`. */
export async function openDeliveries(config: DeliverConfig, context: DeliveryContext): Promise<Delivery[]> {
  const files = config.files.map((one) => openFiles(one, context));
  if (config.sds === undefined && config.workloadApi === undefined) return files;
  const { openEndpoints } = await import('./endpoints.ts');
  return [...files, ...openEndpoints(config, context)];
}
