import { digestText } from './digest-text.ts';

export interface ReadRecord {
  /** @param text undefined: it was about to be read, or could not be. */
  readonly remember: (path: string, text?: string) => void;
  /** By path, the digest of what was read there last, kept up to date from then on. */
  readonly digests: () => ReadonlyMap<string, string>;
}

/** Remembers what was read before anybody watched, so that the watch can tell what has changed since. */
export function openReadRecord(): ReadRecord {
  const digests = new Map<string, string>();
  /** Undefined: somebody watches. Until then nothing is digested, as the first certificate would wait for it. */
  let texts: Map<string, string | undefined> | undefined = new Map();
  return {
    remember(path, text) {
      if (texts === undefined) digests.set(path, digestText(text));
      else texts.set(path, text);
    },
    digests() {
      for (const [path, text] of texts ?? []) digests.set(path, digestText(text));
      texts = undefined;
      return digests;
    },
  };
}
