import type { Generation, Identity, IdentitySink, IdentitySource } from '../identity/identity.ts';
import { openStateStream } from './state-stream.ts';

/** Holds the generation in service, numbers it, and wakes whoever reads. Slow readers skip to the newest state. */
export class IdentityStore implements IdentitySink, IdentitySource {
  readonly #stream = openStateStream<Generation | undefined>(undefined);
  #lastNumber = 0;

  publish(identity: Identity, backend: string): Generation {
    this.#lastNumber += 1;
    const generation = Object.freeze({ ...identity, number: this.#lastNumber, backend });
    this.#stream.change(generation);
    return generation;
  }

  withdraw(): void {
    if (this.current() !== undefined) this.#stream.change(undefined);
  }

  current(): Generation | undefined {
    return this.#stream.current();
  }

  changes(signal: AbortSignal): AsyncGenerator<Generation | undefined, void, undefined> {
    return this.#stream.changes(signal);
  }
}
