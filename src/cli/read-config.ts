import { readFile } from 'node:fs/promises';
import type { Problem } from '../config/config.ts';
import { type Loaded, loadConfig } from '../config/load.ts';
import { readSources } from '../config/read-sources.ts';
import type { Edge } from './edge.ts';

/**
 * The configuration that the command line and the environment name.
 *
 * @param files what `-c` named, in order.
 */
export async function readConfig(
  files: readonly string[],
  { environment, hostName, currentDirectory }: Edge,
): Promise<Loaded> {
  const { sources, problems: unreadable } = await readSources({
    files,
    environment,
    readFile: (path) => readFile(path, 'utf8'),
  });
  const none: Loaded = { config: undefined, problems: [] };
  const loaded =
    sources.length === 0 && unreadable.length > 0
      ? none
      : loadConfig({ sources, environment, hostName, currentDirectory });
  const problems: Problem[] = [...unreadable, ...loaded.problems];
  return { config: unreadable.length > 0 ? undefined : loaded.config, problems };
}
