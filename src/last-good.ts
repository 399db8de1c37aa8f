import type { DataSource, ReadDataSource } from './data-source.ts';
import { AgentError } from './errors.ts';
import type { Log } from './log.ts';

/**
 * Keeps what was made of sources. They are read at each call, and it is made anew when a text has changed. A change
 * that is no good, or a source that cannot be read any more, is refused and told once, and what was there is kept.
 *
 * @param sources undefined: a part that is not configured; its text is undefined, too.
 * @param make throws AgentError when the texts are no good, on their own or together.
 * @returns a reader that throws what `make` or the sources throw as long as nothing good was there.
 */
export function openLastGood<T>(
  sources: readonly (DataSource | undefined)[],
  readSource: ReadDataSource,
  make: (texts: readonly (string | undefined)[]) => T | Promise<T>,
  log: Pick<Log, 'error'>,
): () => Promise<T> {
  let good: { readonly texts: readonly (string | undefined)[]; readonly made: T } | undefined;
  let told: string | undefined;
  return async () => {
    try {
      const texts = await Promise.all(sources.map((source) => source && readSource(source)));
      if (good === undefined || texts.some((text, index) => text !== good?.texts[index])) {
        good = { texts, made: await make(texts) };
      }
      told = undefined;
      return good.made;
    } catch (thrown) {
      if (good === undefined) throw thrown;
      const { message, remedy, code } = AgentError.from(thrown);
      if (told !== message)
        log.error(`what was stored anew is refused, what was there is kept: ${message}`, { code, remedy });
      told = message;
      return good.made;
    }
  };
}

/** Reads sources that have no rule but to be there with something in them, each kept as {@link openLastGood} does. */
export function keepLastGood(readSource: ReadDataSource, log: Pick<Log, 'error'>): ReadDataSource {
  const readers = new Map<string, () => Promise<string>>();
  return (source) => {
    const key = JSON.stringify(source);
    const reader = readers.get(key) ?? openLastGood([source], readSource, ([text = '']) => text, log);
    readers.set(key, reader);
    return reader();
  };
}
