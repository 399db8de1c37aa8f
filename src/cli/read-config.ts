import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Loaded, loadConfig } from '../config/load.ts';
import { readSources } from '../config/read-sources.ts';
import type { TellRead } from '../data-source.ts';
import type { Edge } from './edge.ts';

/**
 * The configuration that the command line and the environment name.
 *
 * @param files what `-c` named, in order.
 * @param reading is told what was read, by the absolute path.
 */
export async function readConfig(
  files: readonly string[],
  { environment, hostName, currentDirectory }: Pick<Edge, 'environment' | 'hostName' | 'currentDirectory'>,
  reading?: TellRead,
): Promise<Loaded> {
  // At once: nothing else can be done meanwhile, and it saves a millisecond.
  const readFile = async (path: string) => {
    const text = readFileSync(path, 'utf8');
    reading?.(resolve(currentDirectory, path), text);
    return text;
  };
  const read = await readSources({ files, environment, readFile });
  return loadConfig({ ...read, environment, hostName, currentDirectory });
}
