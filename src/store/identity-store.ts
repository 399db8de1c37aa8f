import type { Generation, Identity, IdentitySink, IdentitySource } from '../identity/identity.ts';

/** Holds the generation in service, numbers it, and wakes whoever reads. Slow readers skip to the newest state. */
export class IdentityStore implements IdentitySink, IdentitySource {
  readonly #waiting = new Set<() => void>();
  #current: Generation | undefined;
  #lastNumber = 0;
  #changeCount = 0;

  publish(identity: Identity, backend: string): Generation {
    this.#lastNumber += 1;
    const generation = Object.freeze({ ...identity, number: this.#lastNumber, backend });
    this.#change(generation);
    return generation;
  }

  withdraw(): void {
    if (this.#current !== undefined) this.#change(undefined);
  }

  current(): Generation | undefined {
    return this.#current;
  }

  async *changes(signal: AbortSignal): AsyncGenerator<Generation | undefined, void, undefined> {
    while (!signal.aborted) {
      const seen = this.#changeCount;
      yield this.#current;
      if (seen === this.#changeCount && !signal.aborted) await this.#nextChange(signal);
    }
  }

  #change(next: Generation | undefined): void {
    this.#current = next;
    this.#changeCount += 1;
    for (const wake of this.#waiting) wake();
  }

  #nextChange(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }
}
