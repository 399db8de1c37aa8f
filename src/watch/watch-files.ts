import { basename, dirname } from 'node:path';
import { type Clock, MAX_SLEEP_MS } from '../clock.ts';
import type { Log } from '../log.ts';
import { digestText } from './digest-text.ts';

/** Whoever writes several files, or one in several steps, is given the time to finish. */
const SETTLE_MS = 200;

/** The link by which the kubelet publishes all files of a volume at once. */
const KUBELET_LINK = '..data';

/** Tells that something happened in folders; what, is looked up. */
export interface FolderHints {
  /** Watches these folders too. Never throws: what cannot be watched is looked at once a minute. */
  add(folders: readonly string[]): void;
  close(): Promise<void>;
}

/**
 * @param isOfInterest whether a path is worth a look; folders of strangers may hold thousands of others.
 */
export type OpenFolderHints = (hint: () => void, isOfInterest: (path: string) => boolean) => Promise<FolderHints>;

export interface WatchPorts {
  readonly openHints: OpenFolderHints;
  /** Undefined: there is none, or it cannot be read. */
  readonly readFile: (path: string) => string | undefined;
  /** By path, the digest of what is in use. A file that is not in it is taken to be in use as it is found first. */
  readonly lastRead: ReadonlyMap<string, string>;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Tells which files hold something else than what is in use, until the signal is aborted. Never throws.
 *
 * Events are hints only: on each, and once a minute for file systems that send none, the files are read and compared.
 * So it makes no difference whether a file was written in place, renamed into its place, or swapped by the kubelet.
 *
 * @param list the files, absolute; asked at each look, as credentials become known when they are first used.
 */
export async function watchFiles(
  list: () => readonly string[],
  changed: (files: ReadonlySet<string>) => Promise<void>,
  { openHints, readFile, lastRead, clock, log }: WatchPorts,
  signal: AbortSignal,
): Promise<void> {
  const seen = new Map<string, string>();
  const folders = new Set<string>();
  let wake = new AbortController();

  const digest = (file: string) => digestText(readFile(file));

  function findChanged(): Set<string> {
    const found = new Set<string>();
    for (const file of list()) {
      const now = digest(file);
      const before = seen.get(file) ?? lastRead.get(file);
      seen.set(file, now);
      if (before !== undefined && before !== now) found.add(file);
    }
    return found;
  }

  const isOfInterest = (path: string) => folders.has(path) || seen.has(path) || basename(path) === KUBELET_LINK;
  // No look yet: what was changed before anybody watched is found when the watch is up, and its writer has finished.
  for (const file of list()) seen.set(file, lastRead.get(file) ?? digest(file));
  const hints = await openHints(() => wake.abort(), isOfInterest);
  while (!signal.aborted) {
    const added = [...seen.keys()].map((file) => dirname(file)).filter((folder) => !folders.has(folder));
    for (const folder of added) folders.add(folder);
    hints.add([...new Set(added)]);
    await clock.sleep(MAX_SLEEP_MS, AbortSignal.any([signal, wake.signal]));
    if (wake.signal.aborted) await clock.sleep(SETTLE_MS, signal);
    // From here on a hint is for the next look.
    wake = new AbortController();
    const files = signal.aborted ? new Set<string>() : findChanged();
    if (files.size === 0) continue;
    log.debug('files changed', { files: [...files].join(', ') });
    await changed(files);
  }
  await hints.close();
}
