import { type FSWatcher, watch } from 'chokidar';
import type { OpenFolderHints } from './watch-files.ts';

/** Hints from the operating system, by chokidar; loaded late, as is this file. */
export const openFolderHints: OpenFolderHints = async (hint, isOfInterest) => {
  const watchers: FSWatcher[] = [];
  return {
    add(folders) {
      if (folders.length === 0) return;
      const watcher = watch([...folders], {
        depth: 0,
        ignoreInitial: true,
        // The process lives for something else.
        persistent: false,
        ignored: (path) => !isOfInterest(path),
      });
      watchers.push(watcher);
      // What happened while it got ready sends no event.
      watcher.on('ready', hint);
      watcher.on('all', hint);
      // The kubelet's swap of a link is an event of the folder alone.
      watcher.on('raw', hint);
      watcher.on('error', () => undefined);
    },
    close: async () => void (await Promise.all(watchers.map((watcher) => watcher.close()))),
  };
};
