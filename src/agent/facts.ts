import type { Config } from '../config/config.ts';
import type { AgentFacts } from '../observe/state.ts';
import type { RunningDeliveries } from './deliveries.ts';

export const NO_DELIVERIES = { names: [], hooks: [], targets: [] };

/** What is shown of a configuration. */
export function collectFacts(
  config: Config,
  { names: deliveries, hooks, targets }: Pick<RunningDeliveries, 'names' | 'hooks' | 'targets'>,
  process: Pick<AgentFacts, 'version' | 'nodeVersion' | 'pid'>,
): AgentFacts {
  return {
    ...process,
    mesh: config.mesh,
    name: config.service,
    spiffeId: config.spiffeId.toString(),
    backend: config.backend?.name,
    supportedBackends: config.supportedBackends,
    deliveries,
    hooks,
    targets,
  };
}
