import { formatProblem } from '../config/problem.ts';
import { AgentError } from '../errors.ts';
import type { Edge } from './edge.ts';
import { readConfig } from './read-config.ts';

/** How a command finds the running agent. */
export interface AdminTarget {
  /** Path of the admin socket; wins over the configuration. */
  readonly socket?: string | undefined;
  /** What `-c` named, in order. */
  readonly files: readonly string[];
}

/** @throws AgentError `ERR_CONFIG` when the configuration is needed and wrong. */
export async function findAdminSocket({ socket, files }: AdminTarget, edge: Edge): Promise<string> {
  if (socket !== undefined) return socket;

  const { config, problems } = await readConfig(files, edge);
  if (config !== undefined) return config.admin.socket;
  const [first] = problems.filter(({ severity }) => severity === 'error');
  const why = first === undefined ? 'it cannot be read' : formatProblem(first).split('\n', 1)[0];
  throw new AgentError('ERR_CONFIG', `the configuration does not say where the agent is: ${why}`, {
    remedy: 'see meshcert validate, or name its socket with --socket',
  });
}
