import { type Clock, MAX_SLEEP_MS } from '../../src/clock.ts';

interface Sleeper {
  readonly wakesAtMs: number;
  readonly wake: () => void;
}

/** A clock that stands still until a test moves it, and lets the test wait until the code has gone to sleep. */
export class FakeClock implements Clock {
  /** Every delay that was asked for, in milliseconds. */
  readonly sleeps: number[] = [];
  #nowMs: number;
  #monotonicMs = 0;
  #sleepers: Sleeper[] = [];
  #onSleep: (() => void)[] = [];

  constructor(start = '2026-01-01T00:00:00Z') {
    this.#nowMs = Date.parse(start);
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (ms > MAX_SLEEP_MS) throw new RangeError(`asked to sleep ${ms} ms at once`);
    this.sleeps.push(ms);
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const sleeper: Sleeper = { wakesAtMs: this.#monotonicMs + ms, wake: resolve };
      signal.addEventListener('abort', () => this.#wake(sleeper), { once: true });
      this.#sleepers.push(sleeper);
      for (const resolveWaiting of this.#onSleep.splice(0)) resolveWaiting();
    });
  }

  /** Resolves once somebody sleeps. */
  async someoneSleeps(): Promise<void> {
    while (this.#sleepers.length === 0) await new Promise<void>((resolve) => this.#onSleep.push(resolve));
  }

  /** Time passes: both clocks move, and whoever has slept long enough wakes. */
  advance(ms: number): void {
    this.#nowMs += ms;
    this.#monotonicMs += ms;
    for (const sleeper of this.#sleepers.filter(({ wakesAtMs }) => wakesAtMs <= this.#monotonicMs)) this.#wake(sleeper);
  }

  /** The wall clock is set, or a suspended machine wakes up: no timer notices. */
  jump(ms: number): void {
    this.#nowMs += ms;
  }

  #wake(sleeper: Sleeper): void {
    this.#sleepers = this.#sleepers.filter((one) => one !== sleeper);
    sleeper.wake();
  }
}
