import { formatProblem } from '../config/problem.ts';
import { describeBootstrap } from '../envoy/bootstrap.ts';
import { type EnvoyOptions, planEnvoy } from '../envoy/plan.ts';
import { renderYaml } from '../envoy/render-yaml.ts';
import type { Edge, ExitCode } from './edge.ts';
import { readConfig } from './read-config.ts';

export interface PrintEnvoyOptions extends EnvoyOptions {
  /** What `-c` named, in order. */
  readonly files: readonly string[];
}

/**
 * Prints the configuration of an Envoy beside this agent. Mistakes and warnings go to the error stream.
 *
 * @throws AgentError `ERR_CONFIG` when there is nothing to print, as mTLS is off.
 */
export async function printEnvoy({ files, ...options }: PrintEnvoyOptions, edge: Edge): Promise<ExitCode> {
  const { config, problems } = await readConfig(files, edge);
  for (const problem of problems) edge.writeError(`${formatProblem(problem)}\n`);
  if (config === undefined) return 2;
  edge.writeOut(renderYaml(describeBootstrap(planEnvoy(config, options))));
  return 0;
}
