import { computeRetryDelayMs } from '../../src/rotation/backoff.ts';
import { computeRotationDueMs, spreadTtlSeconds } from '../../src/rotation/schedule.ts';
import type { CaCapacity } from './measure-capacity.ts';

export interface FleetOptions {
  readonly agents: number;
  readonly lifetimeMs: number;
  /** At most 0.02. */
  readonly jitterRatio: number;
  /** Whether first certificates live for less, as they do by default. */
  readonly spreads: boolean;
  /** After which an agent gives up, and tries again. */
  readonly requestTimeoutMs: number;
  readonly ca: CaCapacity;
  /** Whether the CA does the work for an agent that has given up meanwhile, too. */
  readonly worksInVain: boolean;
  /** How long the fleet runs. */
  readonly untilMs: number;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** Milliseconds since all started. */
export interface IssuedAt {
  readonly atMs: number;
  /** 0: the first certificate of its agent. */
  readonly rotation: number;
}

export interface FleetRun {
  /** In the order of time. */
  readonly issued: readonly IssuedAt[];
  /** Requests that an agent gave up. */
  readonly givenUp: number;
}

interface Agent {
  asksAtMs: number;
  rotation: number;
  failuresBefore: number;
  notAfterMs: number | undefined;
}

/**
 * Agents that all start at the same moment, by the agent's own schedule and back-off, before one CA. No clock runs: time
 * goes from one request to the next.
 *
 * The CA works on as many requests at a time as it was measured with, each for as long as it then took; the others wait in
 * their order.
 */
export function simulateFleet(options: FleetOptions): FleetRun {
  const { lifetimeMs, jitterRatio, spreads, requestTimeoutMs, ca, worksInVain, untilMs, random } = options;
  const workMs = (1000 * ca.concurrency) / ca.issuesPerSecond;
  const freeAtMs = new Array<number>(ca.concurrency).fill(0);
  const fleet = Array.from({ length: options.agents }, (): Agent => {
    return { asksAtMs: 0, rotation: 0, failuresBefore: 0, notAfterMs: undefined };
  });
  const queue = openQueue(fleet);
  const issued: IssuedAt[] = [];
  let givenUp = 0;
  for (let agent = queue.first(); agent.asksAtMs < untilMs; agent = queue.first()) {
    const worker = freeAtMs.indexOf(Math.min(...freeAtMs));
    const beginsAtMs = Math.max(agent.asksAtMs, freeAtMs[worker] ?? 0);
    const doneAtMs = beginsAtMs + workMs;
    const givesUpAtMs = agent.asksAtMs + requestTimeoutMs;
    if (worksInVain || beginsAtMs < givesUpAtMs) freeAtMs[worker] = doneAtMs;
    if (doneAtMs <= givesUpAtMs) {
      issued.push({ atMs: doneAtMs, rotation: agent.rotation });
      const spreadUnit = spreads && agent.rotation === 0 ? random() : 1;
      const lifeMs = 1000 * spreadTtlSeconds(lifetimeMs / 1000, spreadUnit);
      const life = { issuedAt: new Date(doneAtMs), notAfter: new Date(doneAtMs + lifeMs) };
      agent.asksAtMs = computeRotationDueMs(life, jitterRatio, random());
      agent.notAfterMs = life.notAfter.getTime();
      agent.rotation += 1;
      agent.failuresBefore = 0;
    } else {
      givenUp += 1;
      const remainingLifeMs = agent.notAfterMs === undefined ? undefined : agent.notAfterMs - givesUpAtMs;
      const { failuresBefore } = agent;
      const attempt = { retry: 'soon', failuresBefore, remainingLifeMs, retryAfterMs: undefined } as const;
      agent.asksAtMs = givesUpAtMs + computeRetryDelayMs(attempt, random());
      agent.failuresBefore += 1;
    }
    queue.firstHasChanged();
  }
  return { issued: issued.toSorted((a, b) => a.atMs - b.atMs), givenUp };
}

/** A binary heap of agents by the time at which they ask; takes the array over, in which all ask at the same time. */
function openQueue(heap: Agent[]) {
  const timeOf = (index: number) => heap[index]?.asksAtMs ?? Number.POSITIVE_INFINITY;
  return {
    first: () => heap[0] as Agent,
    /** It asks later than before. */
    firstHasChanged() {
      for (let parent = 0; ; ) {
        const left = 2 * parent + 1;
        const child = timeOf(left + 1) < timeOf(left) ? left + 1 : left;
        if (timeOf(child) >= timeOf(parent)) return;
        [heap[parent], heap[child]] = [heap[child] as Agent, heap[parent] as Agent];
        parent = child;
      }
    },
  };
}
