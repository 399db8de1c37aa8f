import { type Clock, MAX_SLEEP_MS } from '../clock.ts';
import { AgentError } from '../errors.ts';
import type { Generation, IdentitySource } from '../identity/identity.ts';
import type { Log } from '../log.ts';
import type { Delivery } from './delivery.ts';
import { followNewest } from './follow-newest.ts';

/** What a delivery tells about itself. `delivery` is its name. */
export interface DeliveryObserver {
  /** Readers have this generation now; it took so long. */
  delivered(event: { delivery: string; generation: Generation; seconds: number }): void;
  /** Readers have nothing any more, as the identity has expired. */
  withdrawn(event: { delivery: string }): void;
  /** `generation`: the one that could not be handed over; undefined when one could not be taken back. */
  failed(event: {
    delivery: string;
    generation: Generation | undefined;
    error: AgentError;
    /** Milliseconds since 1970. */
    retryAtMs: number;
  }): void;
}

export interface DeliveryPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: DeliveryObserver;
  /**
   * Milliseconds to wait after the n-th failure in a row, `attempt` counted from 0. More than a minute counts as one: a
   * full disk that was emptied is to be noticed.
   */
  readonly retryDelayMs: (attempt: number) => number;
}

/**
 * Keeps one delivery at the newest state of the source until the signal is aborted. Tries again until it succeeds or
 * something newer exists. Never throws and never asks for another certificate.
 */
export async function runDelivery(
  delivery: Delivery,
  source: IdentitySource,
  ports: DeliveryPorts,
  signal: AbortSignal,
): Promise<void> {
  let handed = false;
  // After whatever is to be sent to the CA has been sent, and what it may have answered meanwhile: then nobody waits for it.
  setImmediate(() => setImmediate(() => void delivery.prepare().catch(() => undefined)));
  await followNewest(source.changes(signal), async (state, superseded) => {
    // Nothing yet is not the same as nothing any more: what an earlier run left may be valid still, and stays.
    if (state === undefined && !handed) return;
    handed = true;
    await handOver(delivery, state, ports, superseded);
  });
}

async function handOver(
  delivery: Delivery,
  state: Generation | undefined,
  ports: DeliveryPorts,
  signal: AbortSignal,
): Promise<void> {
  const { clock, retryDelayMs } = ports;
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    const delayMs = Math.min(retryDelayMs(attempt), MAX_SLEEP_MS);
    if (await tryOnce(delivery, state, ports, delayMs)) return;
    await clock.sleep(delayMs, signal);
  }
}

async function tryOnce(
  delivery: Delivery,
  generation: Generation | undefined,
  { clock, log, observer }: DeliveryPorts,
  delayMs: number,
): Promise<boolean> {
  const startMs = clock.monotonicMs();
  const fields = { delivery: delivery.name, generation: generation?.number };
  try {
    if (generation === undefined) {
      await delivery.withdraw();
      observer.withdrawn({ delivery: delivery.name });
      log.warn('certificate withdrawn', fields);
    } else {
      await delivery.deliver(generation);
      const seconds = (clock.monotonicMs() - startMs) / 1000;
      observer.delivered({ delivery: delivery.name, generation, seconds });
      log.info(delivery.doneEvent ?? 'certificate delivered', {
        ...fields,
        seconds: Math.round(seconds * 1000) / 1000,
      });
    }
    return true;
  } catch (thrown) {
    const error = AgentError.from(thrown);
    observer.failed({ delivery: delivery.name, generation, error, retryAtMs: clock.nowMs() + delayMs });
    log.error(error.message, {
      code: error.code,
      remedy: error.remedy,
      ...fields,
      retryInSeconds: Math.ceil(delayMs / 100) / 10,
    });
    return false;
  }
}
