import { digestText } from './digest-text.ts';

export interface ReadRecord {
  /** By path, the digest of what was read there last. */
  readonly lastRead: ReadonlyMap<string, string>;
  /** @param text undefined: it was about to be read, or could not be. */
  readonly remember: (path: string, text?: string) => void;
}

/** Remembers what was read before anybody watched, so that the watch can tell what has changed since. */
export function openReadRecord(): ReadRecord {
  const lastRead = new Map<string, string>();
  return { lastRead, remember: (path, text) => void lastRead.set(path, digestText(text)) };
}
