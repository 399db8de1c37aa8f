/**
 * The closed loop: after each delivery, looks until the new certificate is really being served. Never throws, never asks
 * for another certificate.
 *
 * @module
 */
import { type Clock, MAX_SLEEP_MS } from '../../clock.ts';
import { AgentError } from '../../errors.ts';
import type { Generation, IdentitySource } from '../../identity/identity.ts';
import type { Log } from '../../log.ts';
import { followNewest } from '../follow-newest.ts';
import { computeLookDelayMs } from './look-delay.ts';
import { describeLook, isServed, type Look } from './serial-numbers.ts';

/** What is looked at, and how. */
export interface ServedTarget {
  /** For logs, status and metrics. */
  readonly name: string;
  /** How long after the delivery the new serial number may be missing. */
  readonly withinMs: number;
  /** Looks once; ends when the signal is aborted. Trouble is a part of the answer. */
  look(generation: Generation, signal: AbortSignal): Promise<Look>;
}

/** What a target is found to do. */
export interface ServedObserver {
  /** The generation is being served, so many seconds after its delivery. */
  served(event: { target: string; generation: Generation; seconds: number }): void;
  /** The limit is over, and it is not. Told once for a generation; looking goes on. */
  late(event: { target: string; generation: Generation; error: AgentError; retryAtMs: number }): void;
}

export interface ServedPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: ServedObserver;
}

/** @param source of generations that are delivered: time runs from when it has one. Ends when the signal is aborted. */
export async function watchServed(
  target: ServedTarget,
  source: IdentitySource,
  ports: ServedPorts,
  signal: AbortSignal,
): Promise<void> {
  await followNewest(source.changes(signal), async (generation, superseded) => {
    if (generation !== undefined) await lookUntilServed(target, generation, ports, superseded);
  });
}

async function lookUntilServed(
  target: ServedTarget,
  generation: Generation,
  { clock, log, observer }: ServedPorts,
  signal: AbortSignal,
): Promise<void> {
  const { name, withinMs } = target;
  const fields = { target: name, generation: generation.number };
  const startMs = clock.monotonicMs();
  let isLate = false;
  for (let looks = 1; !signal.aborted; looks += 1) {
    const look = await target.look(generation, signal);
    const elapsedMs = clock.monotonicMs() - startMs;
    if (isServed(generation.serialNumber, look)) {
      observer.served({ target: name, generation, seconds: elapsedMs / 1000 });
      log.info('certificate served', { ...fields, seconds: Math.round(elapsedMs) / 1000 });
      return;
    }
    if (signal.aborted) return;
    const delayMs = Math.min(computeLookDelayMs({ looks, elapsedMs, withinMs }), MAX_SLEEP_MS);
    if (!isLate && elapsedMs >= withinMs) {
      isLate = true;
      const error = explainLate(target, generation, look);
      observer.late({ target: name, generation, error, retryAtMs: clock.nowMs() + delayMs });
      log.warn(error.message, { code: error.code, remedy: error.remedy, ...fields });
    }
    await clock.sleep(delayMs, signal);
  }
}

function explainLate({ name, withinMs }: ServedTarget, { number, serialNumber }: Generation, look: Look): AgentError {
  const what = `generation ${number} (${serialNumber}) is not served within ${withinMs / 1000} s`;
  return new AgentError('ERR_DELIVERY', `${name}: ${what}: ${describeLook(look)}`, {
    detail: 'not_served',
    remedy: 'see that its program reads the files again, or tell it to by deliver.hooks',
  });
}
