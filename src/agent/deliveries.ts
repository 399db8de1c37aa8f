import type { DeliverConfig } from '../config/config.ts';
import { type DeliveryContext, openDeliveries } from '../delivery/open.ts';
import { type DeliveryPorts, runDelivery } from '../delivery/run-delivery.ts';
import type { IdentitySource } from '../identity/identity.ts';

/** The deliveries of one configuration, at work. */
export interface RunningDeliveries {
  readonly names: readonly string[];
  /** Keeps them at the newest state of the source until the signal is aborted, then closes them. Never throws. */
  run(source: IdentitySource, signal: AbortSignal): Promise<void>;
}

/** Touches neither network nor files; those wait for `run`. */
export async function prepareDeliveries(
  config: DeliverConfig,
  context: DeliveryContext,
  ports: DeliveryPorts,
): Promise<RunningDeliveries> {
  const deliveries = await openDeliveries(config, context);
  return {
    names: deliveries.map(({ name }) => name),
    async run(source, signal) {
      await Promise.all(deliveries.map((delivery) => runDelivery(delivery, source, ports, signal)));
      await Promise.all(deliveries.map((delivery) => delivery.close()));
    },
  };
}
