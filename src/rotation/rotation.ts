/**
 * The loop that keeps one identity fresh, for ever, whatever breaks around it.
 *
 * @module
 */
import { type Clock, MAX_SLEEP_MS } from '../clock.ts';
import { AgentError } from '../errors.ts';
import type { Generation, IdentitySink } from '../identity/identity.ts';
import type { KeyType } from '../identity/key-pair.ts';
import type { SpiffeId } from '../identity/spiffe-id.ts';
import type { Issuer } from '../issuer/issuer.ts';
import type { Log } from '../log.ts';
import { computeRetryDelayMs } from './backoff.ts';
import { issueIdentity } from './issue-identity.ts';
import { computeRotationDueMs } from './schedule.ts';

/** Why a certificate is asked for; a bounded label. */
export type RotationReason = 'start' | 'due' | 'requested' | 'signal';

export interface RotationOptions {
  readonly backend: string;
  readonly spiffeId: SpiffeId;
  /** Undefined: EC P-256, unless the CA demands another. */
  readonly keyType: KeyType | undefined;
  readonly ttlSeconds: number;
  /** At most 0.02. */
  readonly jitterRatio: number;
}

export interface RotationPorts {
  readonly issuer: Issuer;
  readonly sink: IdentitySink;
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly log: Log;
  readonly observer: RotationObserver;
}

/** What the loop tells about itself. */
export interface RotationObserver {
  rotated(event: { generation: Generation; reason: RotationReason; dueAtMs: number }): void;
  failed(event: { error: AgentError; backend: string; reason: RotationReason; retryAtMs: number }): void;
  /** The loop is alive; at least once a minute while it waits. */
  ticked(): void;
}

interface Waiter {
  readonly reason: RotationReason;
  readonly resolve: (generation: Generation) => void;
  readonly reject: (error: AgentError) => void;
}

export class Rotation {
  readonly #options: RotationOptions;
  readonly #ports: RotationPorts;
  readonly #saidWarnings = new Set<string>();
  #keyType: KeyType;
  #waiters: Waiter[] = [];
  #wake = new AbortController();
  #current: Generation | undefined;

  constructor(options: RotationOptions, ports: RotationPorts) {
    this.#options = options;
    this.#ports = ports;
    this.#keyType = options.keyType ?? 'ec-p256';
  }

  /** Rotates at start and whenever it is due, until the signal is aborted. Never throws. */
  async run(signal: AbortSignal): Promise<void> {
    let reason: RotationReason = 'start';
    let failures = 0;
    while (!signal.aborted) {
      const waiters = this.#takeWaiters();
      const outcome = await this.#attempt(waiters[0]?.reason ?? reason, failures, signal);
      if (outcome.generation === undefined) {
        failures += 1;
        for (const { reject } of waiters) reject(outcome.error);
      } else {
        failures = 0;
        reason = 'due';
        for (const { resolve } of waiters) resolve(outcome.generation);
      }
      await this.#waitUntil(outcome.nextAtMs, signal);
    }
    for (const { reject } of this.#takeWaiters()) reject(new AgentError('ERR_AGENT', 'the agent is stopping'));
  }

  /**
   * Asks for a new generation now, without waiting for the running attempt or back-off.
   *
   * @returns the generation, once issued and published.
   * @throws AgentError why this attempt failed; the loop goes on with its back-off.
   */
  rotateNow(reason: RotationReason): Promise<Generation> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ reason, resolve, reject });
      this.#wake.abort();
    });
  }

  async #attempt(
    reason: RotationReason,
    failuresBefore: number,
    signal: AbortSignal,
  ): Promise<
    { generation: Generation; nextAtMs: number } | { generation: undefined; error: AgentError; nextAtMs: number }
  > {
    const { clock, random, sink, observer, log } = this.#ports;
    const { backend, jitterRatio } = this.#options;
    try {
      const issued = await issueIdentity(
        { ...this.#options, keyType: this.#keyType, mayChangeKeyType: this.#options.keyType === undefined },
        this.#ports,
        signal,
      );
      this.#keyType = issued.keyType;
      this.#sayOnce(issued.warnings);
      const generation = sink.publish(issued.identity, backend);
      this.#current = generation;
      const nextAtMs = computeRotationDueMs(generation, jitterRatio, random());
      observer.rotated({ generation, reason, dueAtMs: nextAtMs });
      log.info('certificate issued', {
        generation: generation.number,
        reason,
        backend,
        spiffeId: generation.spiffeId.toString(),
        serial: generation.serialNumber,
        notAfter: generation.notAfter.toISOString(),
        rotatesAt: new Date(nextAtMs).toISOString(),
      });
      return { generation, nextAtMs };
    } catch (thrown) {
      const error = AgentError.from(thrown);
      const remainingLifeMs =
        this.#current === undefined ? undefined : this.#current.notAfter.getTime() - clock.nowMs();
      const { retry, retryAfterMs } = error;
      const nextAtMs =
        clock.nowMs() + computeRetryDelayMs({ retry, failuresBefore, remainingLifeMs, retryAfterMs }, random());
      if (!signal.aborted) {
        observer.failed({ error, backend, reason, retryAtMs: nextAtMs });
        log.error(error.message, {
          code: error.code,
          remedy: error.remedy,
          backend,
          retryInSeconds: Math.ceil((nextAtMs - clock.nowMs()) / 100) / 10,
        });
      }
      return { generation: undefined, error, nextAtMs };
    }
  }

  /** Waits in steps of a minute at most, reading the wall clock anew, so that no jump of it goes unseen. */
  async #waitUntil(atMs: number, signal: AbortSignal): Promise<void> {
    const { clock, observer } = this.#ports;
    this.#wake = new AbortController();
    const either = AbortSignal.any([signal, this.#wake.signal]);
    observer.ticked();
    while (this.#waiters.length === 0 && !signal.aborted && clock.nowMs() < atMs) {
      await clock.sleep(Math.min(atMs - clock.nowMs(), MAX_SLEEP_MS), either);
      observer.ticked();
    }
  }

  #takeWaiters(): Waiter[] {
    const waiters = this.#waiters;
    this.#waiters = [];
    return waiters;
  }

  #sayOnce(warnings: readonly string[]): void {
    for (const warning of warnings) {
      if (this.#saidWarnings.has(warning)) continue;
      this.#saidWarnings.add(warning);
      this.#ports.log.warn(warning, { backend: this.#options.backend });
    }
  }
}
