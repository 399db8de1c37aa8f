import type { Loaded } from '../config/load.ts';
import type { Edge } from './edge.ts';
import { readConfig } from './read-config.ts';

/**
 * The configuration as the agent has it, for commands that an administrator of Vault runs: VAULT_TOKEN is theirs then, and
 * is taken for the agent's only where the agent has nothing else to log in with.
 *
 * @param files what `-c` named, in order.
 */
export async function readConfigOfAgent(files: readonly string[], edge: Edge): Promise<Loaded> {
  const { VAULT_TOKEN: theirs, ...environment } = edge.environment;
  const loaded = await readConfig(files, { ...edge, environment });
  return theirs === undefined || loaded.config !== undefined ? loaded : readConfig(files, edge);
}
