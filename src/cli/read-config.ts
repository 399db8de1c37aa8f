import { readFileSync } from 'node:fs';
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
  { environment, hostName, currentDirectory }: Pick<Edge, 'environment' | 'hostName' | 'currentDirectory'>,
): Promise<Loaded> {
  // At once: nothing else can be done meanwhile, and it saves a millisecond.
  const readFile = async (path: string) => readFileSync(path, 'utf8');
  const read = await readSources({ files, environment, readFile });
  return loadConfig({ ...read, environment, hostName, currentDirectory });
}
