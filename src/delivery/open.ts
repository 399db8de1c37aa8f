import type { Clock } from '../clock.ts';
import type { DeliverConfig } from '../config/config.ts';
import type { Log } from '../log.ts';
import type { Delivery } from './delivery.ts';
import { openFiles } from './files/files.ts';

export interface DeliveryContext {
  readonly clock: Clock;
  readonly log: Log;
  /** Numeric user of this process, for the words of errors. */
  readonly uid: number | undefined;
}

/** Opens what the configuration names, and loads nothing else. Touches neither network nor files; those wait for `prepare`. */
export async function openDeliveries(config: DeliverConfig, context: DeliveryContext): Promise<Delivery[]> {
  const files = config.files.map((one) => openFiles(one, context));
  if (config.workloadApi === undefined) return files;
  const { openEndpoints } = await import('./endpoints.ts');
  return [...files, ...openEndpoints(config, context)];
}
