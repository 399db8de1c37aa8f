import type { Generation, IdentitySource } from '../identity/identity.ts';
import { openStateStream } from './state-stream.ts';

export interface HeldByAll {
  /** The newest generation that all of them hold, or have passed; undefined until there is one. */
  readonly source: IdentitySource;
  /** One of them holds this generation now. Whoever else tells is not listened to. */
  holds(name: string, generation: Generation): void;
}

/** Tells when a generation has arrived everywhere, for whoever is to act only then. */
export function openHeldByAll(names: readonly string[]): HeldByAll {
  const held = new Map<string, Generation>();
  const source = openStateStream<Generation | undefined>(undefined);
  return {
    source,
    holds(name, generation) {
      if (!names.includes(name)) return;
      held.set(name, generation);
      if (held.size < names.length) return;
      const oldest = [...held.values()].reduce((one, other) => (one.number <= other.number ? one : other));
      if (oldest.number > (source.current()?.number ?? 0)) source.change(oldest);
    },
  };
}
