import { type Clock, sleepUntil } from '../clock.ts';
import { AgentError } from '../errors.ts';
import type { Issuer } from '../issuer/issuer.ts';
import type { Log } from '../log.ts';
import type { TrustBundle } from './trust-bundle.ts';

/** CAs change rarely, and sources that are watched do not wait for it. */
const LOOK_EVERY_MS = 300_000;

/** A CA that could not be asked. */
const LOOK_AGAIN_MS = 15_000;

export interface WatchedBackend {
  readonly name: string;
  readonly isEnabled: boolean;
  /** How long its leaves live. */
  readonly lifetimeMs: number;
  readonly open: () => Promise<Issuer>;
}

export interface WatchRootsPorts {
  readonly trust: TrustBundle;
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly log: Log;
  /** The bundle has changed. */
  readonly changed: () => Promise<unknown>;
  /** The CA of the enabled backend is another one now. */
  readonly caChanged: () => void;
}

export interface RootsWatch {
  /**
   * Looks once.
   *
   * @returns whether all CAs could be read.
   */
  look(signal: AbortSignal): Promise<boolean>;
  /** Looks now and then, until the signal is aborted. Never throws. */
  run(signal: AbortSignal): Promise<void>;
  /** Looks now: something that a CA is read from has changed. */
  lookNow(): void;
}

/**
 * Keeps the trust bundle at what the CAs of all backends are.
 *
 * @param backends those of the Mesh now; asked at each look.
 */
export function openRootsWatch(backends: () => readonly WatchedBackend[], ports: WatchRootsPorts): RootsWatch {
  const { trust, clock, random, log } = ports;
  const troubles = new Map<string, string>();
  const known = new Map<string, readonly Buffer[]>();
  let wake = new AbortController();

  /** @returns whether the CA could be asked. */
  async function lookAtOne({ name, isEnabled, lifetimeMs, open }: WatchedBackend, signal: AbortSignal) {
    try {
      const issuer = await open();
      const roots = await issuer.readRoots(signal);
      trust.learn(name, roots, lifetimeMs, clock.nowMs());
      const before = known.get(name);
      known.set(name, roots);
      troubles.delete(name);
      if (isEnabled && before !== undefined && !before.some((one) => roots.some((root) => root.equals(one)))) {
        log.warn('the CA has changed', { backend: name });
        ports.caChanged();
      }
      return true;
    } catch (thrown) {
      // Of a CA that is away, and was here, the health is told elsewhere.
      if (!signal.aborted && !trust.knows(name)) sayOnce(name, AgentError.from(thrown));
      return false;
    }
  }

  function sayOnce(backend: string, error: AgentError): void {
    if (troubles.get(backend) === error.message) return;
    troubles.set(backend, error.message);
    log.warn('the CA of a backend cannot be read, so the trust bundle lacks it', {
      backend,
      reason: error.message,
      remedy: error.remedy,
    });
  }

  async function look(signal: AbortSignal): Promise<boolean> {
    const looked = await Promise.all(backends().map((backend) => lookAtOne(backend, signal)));
    trust.forget(clock.nowMs());
    if (!signal.aborted) await ports.changed();
    return looked.every(Boolean);
  }

  return {
    look,
    async run(signal) {
      while (!signal.aborted) {
        wake = new AbortController();
        const either = AbortSignal.any([signal, wake.signal]);
        const everyMs = (await look(signal)) ? LOOK_EVERY_MS : LOOK_AGAIN_MS;
        const untilMs = Math.min(
          clock.nowMs() + everyMs * (0.9 + 0.2 * random()),
          trust.nextLeaveMs() ?? Number.POSITIVE_INFINITY,
        );
        await sleepUntil(clock, untilMs, either);
      }
    },
    lookNow: () => wake.abort(),
  };
}
