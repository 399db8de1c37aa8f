import type { DeliverConfig } from '../config/config.ts';
import type { HookContext } from '../delivery/hooks/open-hook.ts';
import { type DeliveryContext, openDeliveries } from '../delivery/open.ts';
import { type DeliveryPorts, runDelivery } from '../delivery/run-delivery.ts';
import type { IdentitySource } from '../identity/identity.ts';
import { computeRetryDelayMs } from '../rotation/backoff.ts';
import { type FollowerPorts, type Followers, openFollowers } from './followers.ts';

/** The deliveries of one configuration, at work. */
export interface RunningDeliveries extends Pick<Followers, 'hooks' | 'targets' | 'waitForHooks'> {
  readonly names: readonly string[];
  /** Keeps them at the newest state of the source until the signal is aborted, then closes them. Never throws. */
  run(source: IdentitySource, signal: AbortSignal): Promise<void>;
}

/** Touches neither network nor files; those wait for `run`. */
export async function prepareDeliveries(
  config: DeliverConfig,
  context: DeliveryContext & Omit<HookContext, 'outputs'>,
  ports: DeliveryPorts & FollowerPorts,
): Promise<RunningDeliveries> {
  const deliveries = await openDeliveries(config, context);
  const followers = await openFollowers(config, deliveries, context, ports);
  const leading = { ...ports, observer: followers.listenIn(ports.observer) };
  return {
    names: deliveries.map(({ name }) => name),
    hooks: followers.hooks,
    targets: followers.targets,
    waitForHooks: followers.waitForHooks,
    async run(source, signal) {
      await Promise.all([
        ...deliveries.map((delivery) => runDelivery(delivery, source, leading, signal)),
        followers.run(signal),
      ]);
      await Promise.all(deliveries.map((delivery) => delivery.close()));
    },
  };
}

/** A full disk is no reason for haste: the old generation is in service meanwhile. */
export function makeDeliveryDelay(random: () => number): (attempt: number) => number {
  return (failuresBefore) =>
    computeRetryDelayMs(
      { retry: 'soon', failuresBefore, remainingLifeMs: undefined, retryAfterMs: undefined },
      random(),
    );
}
