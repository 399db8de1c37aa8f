/**
 * The loop that keeps one identity fresh, for ever, whatever breaks around it.
 *
 * @module
 */
import { type Clock, MAX_SLEEP_MS } from '../clock.ts';
import { AgentError } from '../errors.ts';
import type { Generation, IdentitySink } from '../identity/identity.ts';
import type { KeyType } from '../identity/key-pair.ts';
import type { Log } from '../log.ts';
import { computeRetryDelayMs } from './backoff.ts';
import {
  type Choice,
  chooseCandidate,
  computeStandbyAtMs,
  type Failures,
  type LifeInService,
} from './choose-candidate.ts';
import { giveTime } from './give-time.ts';
import { issueIdentity } from './issue-identity.ts';
import { holdOpenRequest, type OpenRequest } from './open-request.ts';
import { type Candidate, chooseTtlSeconds, type RotationPlan, type RotationReason } from './plan.ts';
import { computeRotationDueMs } from './schedule.ts';

export interface RotationPorts {
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

type Outcome =
  | { readonly generation: Generation; readonly nextAtMs: number }
  | { readonly generation: undefined; readonly error: AgentError; readonly nextAtMs: number };

const NO_FAILURES: Failures = { failuresBefore: 0, failuresOnStandby: 0 };

export class Rotation {
  readonly #ports: RotationPorts;
  readonly #saidWarnings = new Set<string>();
  /** What each CA took last, to begin with next time. */
  readonly #keyTypes = new Map<string, KeyType>();
  readonly #openRequests = new Map<string, OpenRequest>();
  #plan: RotationPlan;
  /** Aborted when the plan is replaced. */
  #planReplaced = new AbortController();
  #waiters: Waiter[] = [];
  #wake = new AbortController();
  #current: { readonly generation: Generation; readonly dueAtMs: number } | undefined;
  #failures: Failures = NO_FAILURES;
  /** From 0 to 1; the same for all attempts at one certificate, as a CA that took the first one in silence may compare. */
  #spreadUnit: number;

  constructor(plan: RotationPlan, ports: RotationPorts) {
    this.#plan = plan;
    this.#ports = ports;
    this.#spreadUnit = ports.random();
  }

  /** Rotates at start and whenever it is due, until the signal is aborted. Never throws. */
  async run(signal: AbortSignal): Promise<void> {
    let reason: RotationReason = 'start';
    while (!signal.aborted) {
      if (this.#plan.candidates.length === 0) {
        this.#rejectWaiters(new AgentError('ERR_AGENT', 'mTLS is off: the Mesh enables no backend'));
        await this.#waitUntil(Number.POSITIVE_INFINITY, signal);
        continue;
      }
      const waiters = this.#takeWaiters();
      const replaced = this.#planReplaced.signal;
      const outcome = await this.#attempt(waiters[0]?.reason ?? reason, AbortSignal.any([signal, replaced]));
      if (replaced.aborted) {
        // Whoever waits wants an identity of the plan of now.
        this.#waiters.unshift(...waiters);
        continue;
      }
      if (outcome.generation === undefined) {
        for (const { reject } of waiters) reject(outcome.error);
      } else {
        reason = 'due';
        for (const { resolve } of waiters) resolve(outcome.generation);
      }
      await this.#waitUntil(outcome.nextAtMs, signal);
    }
    this.#rejectWaiters(new AgentError('ERR_AGENT', 'the agent is stopping'));
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

  /** Whether the last attempt failed: what it needed may have been mended. */
  get isFailing(): boolean {
    return this.#failures.failuresBefore > 0;
  }

  /** Goes on by another plan from the next rotation on. */
  adopt(plan: RotationPlan): void {
    this.#plan = plan;
  }

  /** Goes on by another plan at once: an attempt under way is given up, and a new identity is asked for. */
  follow(plan: RotationPlan): void {
    this.#plan = plan;
    this.#failures = NO_FAILURES;
    this.#planReplaced.abort();
    this.#planReplaced = new AbortController();
    this.#wake.abort();
    // Why it fails, if it does, stands in the log.
    if (plan.candidates.length > 0) this.rotateNow('reconfigured').catch(() => undefined);
  }

  async #attempt(reason: RotationReason, signal: AbortSignal): Promise<Outcome> {
    const plan = this.#plan;
    const choice = this.#chooseCandidate(plan);
    const candidate = plan.candidates[choice.index] as Candidate;
    const why = choice.index > 0 ? 'standby' : reason;
    try {
      return await giveTime(this.#ports.clock, candidate.backend, choice.untilMs, signal, (limited) =>
        this.#issue(plan, candidate, why, limited),
      );
    } catch (thrown) {
      return this.#fail(plan, candidate, AgentError.from(thrown), { reason, choice, signal });
    }
  }

  #chooseCandidate({ candidates, standbyRatio }: RotationPlan): Choice {
    return chooseCandidate(candidates.length, this.#failures, this.#life(), standbyRatio, this.#ports.clock.nowMs());
  }

  async #issue(
    plan: RotationPlan,
    { backend, ttlSeconds: fullTtlSeconds, open }: Candidate,
    reason: RotationReason,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { clock, random, sink, observer, log } = this.#ports;
    const keyType = plan.keyType ?? this.#keyTypes.get(backend) ?? 'ec-p256';
    const life = { ttlSeconds: chooseTtlSeconds(plan, fullTtlSeconds, reason, this.#spreadUnit), fullTtlSeconds };
    const wanted = { spiffeId: plan.spiffeId, ...life, keyType, mayChangeKeyType: plan.keyType === undefined };
    const ports = { issuer: await open(), clock, open: this.#openRequestAt(backend) };
    const issued = await issueIdentity(wanted, ports, signal);
    if (signal.aborted) throw new AgentError('ERR_AGENT', 'the configuration has changed meanwhile');
    this.#openRequests.clear();
    this.#spreadUnit = random();
    this.#keyTypes.set(backend, issued.keyType);
    this.#sayOnce(issued.warnings, backend);
    const generation = await sink.publish(issued.identity, backend);
    const dueAtMs = computeRotationDueMs(generation, plan.jitterRatio, random());
    this.#current = { generation, dueAtMs };
    this.#failures = NO_FAILURES;
    observer.rotated({ generation, reason, dueAtMs });
    log.info('certificate issued', {
      generation: generation.number,
      reason,
      backend,
      spiffeId: generation.spiffeId.toString(),
      serial: generation.serialNumber,
      notAfter: generation.notAfter.toISOString(),
      rotatesAt: new Date(dueAtMs).toISOString(),
    });
    return { generation, nextAtMs: dueAtMs };
  }

  #fail(
    plan: RotationPlan,
    { backend }: Candidate,
    error: AgentError,
    { reason, choice, signal }: { reason: RotationReason; choice: Choice; signal: AbortSignal },
  ): Outcome {
    const { clock, random, observer, log } = this.#ports;
    const nowMs = clock.nowMs();
    const life = this.#life();
    const { retry, retryAfterMs } = error;
    const attempt = {
      retry,
      retryAfterMs,
      failuresBefore: this.#failures.failuresBefore,
      remainingLifeMs: life === undefined ? undefined : life.notAfterMs - nowMs,
    };
    const standbyAtMs = this.#countFailure(plan, choice, nowMs);
    const nextAtMs = Math.min(nowMs + computeRetryDelayMs(attempt, random()), standbyAtMs);
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

  /** @returns the moment at which the standbys' turn comes, if that lies ahead. */
  #countFailure({ candidates, standbyRatio }: RotationPlan, { isStandbyTurn }: Choice, nowMs: number): number {
    const { failuresBefore, failuresOnStandby } = this.#failures;
    this.#failures = {
      failuresBefore: failuresBefore + 1,
      failuresOnStandby: failuresOnStandby + (isStandbyTurn ? 1 : 0),
    };
    const life = this.#life();
    const standbyAtMs = life === undefined ? 0 : computeStandbyAtMs(life, standbyRatio);
    return candidates.length > 1 && standbyAtMs > nowMs ? standbyAtMs : Number.POSITIVE_INFINITY;
  }

  #life(): LifeInService | undefined {
    if (this.#current === undefined) return undefined;
    const { generation, dueAtMs } = this.#current;
    return { dueAtMs, notAfterMs: generation.notAfter.getTime() };
  }

  /** Waits in steps of a minute at most, reading the wall clock anew, so that no jump of it goes unseen. */
  async #waitUntil(atMs: number, signal: AbortSignal): Promise<void> {
    const { clock, observer } = this.#ports;
    this.#wake = new AbortController();
    const either = AbortSignal.any([signal, this.#wake.signal]);
    observer.ticked();
    while (this.#waiters.length === 0 && !either.aborted && clock.nowMs() < atMs) {
      await clock.sleep(Math.min(atMs - clock.nowMs(), MAX_SLEEP_MS), either);
      observer.ticked();
    }
  }

  #openRequestAt(backend: string): OpenRequest {
    const open = this.#openRequests.get(backend) ?? holdOpenRequest();
    this.#openRequests.set(backend, open);
    return open;
  }

  #takeWaiters(): Waiter[] {
    const waiters = this.#waiters;
    this.#waiters = [];
    return waiters;
  }

  #rejectWaiters(error: AgentError): void {
    for (const { reject } of this.#takeWaiters()) reject(error);
  }

  #sayOnce(warnings: readonly string[], backend: string): void {
    for (const warning of warnings) {
      if (this.#saidWarnings.has(warning)) continue;
      this.#saidWarnings.add(warning);
      this.#ports.log.warn(warning, { backend });
    }
  }
}
