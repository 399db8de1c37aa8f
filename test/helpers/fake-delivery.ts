import type { Delivery } from '../../src/delivery/delivery.ts';
import type { DeliveryObserver } from '../../src/delivery/run-delivery.ts';
import type { Generation } from '../../src/identity/identity.ts';

/** Fakes the delivery port: notes what it is given, fails while it is told to. */
export class FakeDelivery implements Delivery {
  readonly name: string;
  /** Numbers of generations; `withdrawn` where one was taken back. */
  readonly calls: (number | 'withdrawn')[] = [];
  failure: Error | undefined;
  /** A call waits for it. */
  gate: Promise<void> = Promise.resolve();

  constructor(name = 'fake') {
    this.name = name;
  }

  async prepare(): Promise<void> {}

  async deliver(generation: Generation): Promise<void> {
    this.calls.push(generation.number);
    await this.gate;
    if (this.failure !== undefined) throw this.failure;
  }

  async withdraw(): Promise<void> {
    this.calls.push('withdrawn');
    if (this.failure !== undefined) throw this.failure;
  }

  async close(): Promise<void> {}
}

/** Notes what a delivery tells, as short lines; a test can wait for the next one. */
export function openRecordingObserver(): DeliveryObserver & { lines: string[]; next(): Promise<string> } {
  const lines: string[] = [];
  const waiting: ((line: string) => void)[] = [];
  const note = (line: string) => {
    lines.push(line);
    for (const resolve of waiting.splice(0)) resolve(line);
  };
  return {
    lines,
    next: () => new Promise((resolve) => waiting.push(resolve)),
    delivered: ({ delivery, generation }) => note(`${delivery} delivered ${generation.number}`),
    withdrawn: ({ delivery }) => note(`${delivery} withdrawn`),
    failed: ({ delivery, generation, error }) => note(`${delivery} failed ${generation?.number}: ${error.line}`),
  };
}
