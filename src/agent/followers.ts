import type { DeliverConfig } from '../config/config.ts';
import type { Delivery } from '../delivery/delivery.ts';
import { describeOutput } from '../delivery/files/contents.ts';
import type { HookContext } from '../delivery/hooks/open-hook.ts';
import { type DeliveryObserver, type DeliveryPorts, runDelivery } from '../delivery/run-delivery.ts';
import type { ServedObserver, ServedTarget } from '../delivery/verify/watch-served.ts';
import { openHeldByAll } from '../store/held-by-all.ts';

/** What acts on a generation only once others hold it: hooks, and the look whether it is served. */
export interface Followers {
  /** Names. */
  readonly hooks: readonly string[];
  readonly targets: readonly string[];
  /** Lets them know what the deliveries hold, beside the observer. */
  listenIn(observer: DeliveryObserver): DeliveryObserver;
  /** Until the signal is aborted. Never throws. */
  run(signal: AbortSignal): Promise<void>;
  /** Resolves when each hook has done its work for this generation, or has failed once, or the signal is aborted. */
  waitForHooks(generation: number, signal: AbortSignal): Promise<void>;
}

export interface FollowerPorts extends Omit<DeliveryPorts, 'observer'> {
  readonly hooks: DeliveryObserver;
  readonly served: ServedObserver;
}

/**
 * Hooks follow the deliveries that write files, since it is those that programs have to be told of, or all of them where
 * none does; the look whether a generation is served follows all. Loads only what the configuration names.
 */
export async function openFollowers(
  config: DeliverConfig,
  deliveries: readonly Delivery[],
  context: Omit<HookContext, 'outputs'>,
  { hooks: hookObserver, served, ...ports }: FollowerPorts,
): Promise<Followers> {
  const [hooks, targets] = await Promise.all([openHooks(config, context), openTargets(config)]);
  const names = deliveries.map(({ name }) => name);
  const writers = deliveries.filter(({ writesFiles }) => writesFiles).map(({ name }) => name);
  const inFiles = openHeldByAll(writers.length > 0 ? writers : names);
  const everywhere = openHeldByAll(names);
  const tried = openHeldByAll(hooks.map(({ name }) => name));
  const observer: DeliveryObserver = {
    ...hookObserver,
    delivered(event) {
      hookObserver.delivered(event);
      tried.holds(event.delivery, event.generation);
    },
    failed(event) {
      hookObserver.failed(event);
      if (event.generation !== undefined) tried.holds(event.delivery, event.generation);
    },
  };
  return {
    hooks: hooks.map(({ name }) => name),
    targets: targets.map(({ name }) => name),
    listenIn: (listener) => ({
      ...listener,
      delivered(event) {
        listener.delivered(event);
        inFiles.holds(event.delivery, event.generation);
        everywhere.holds(event.delivery, event.generation);
      },
    }),
    async run(signal) {
      if (hooks.length === 0 && targets.length === 0) return;
      const { watchServed } = await import('../delivery/verify/watch-served.ts');
      // A program that hangs is not waited for.
      signal.addEventListener('abort', () => void hooks.map((hook) => hook.close()), { once: true });
      await Promise.all([
        ...hooks.map((hook) => runDelivery(hook, inFiles.source, { ...ports, observer }, signal)),
        ...targets.map((target) => watchServed(target, everywhere.source, { ...ports, observer: served }, signal)),
      ]);
    },
    async waitForHooks(generation, signal) {
      if (hooks.length === 0) return;
      for await (const held of tried.source.changes(signal)) if ((held?.number ?? 0) >= generation) return;
    },
  };
}

async function openHooks({ hooks, files }: DeliverConfig, context: Omit<HookContext, 'outputs'>): Promise<Delivery[]> {
  if (hooks.length === 0) return [];
  const { openHook } = await import('../delivery/hooks/open-hook.ts');
  const outputs = files.map(describeOutput);
  return hooks.map((hook) => openHook(hook, { ...context, outputs }));
}

async function openTargets({ verify }: DeliverConfig): Promise<ServedTarget[]> {
  if (verify.length === 0) return [];
  const { openTarget } = await import('../delivery/verify/open-target.ts');
  return verify.map(openTarget);
}
