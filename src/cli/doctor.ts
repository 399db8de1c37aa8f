import { systemClock } from '../clock.ts';
import { formatProblem } from '../config/problem.ts';
import { examine } from '../doctor/doctor.ts';
import { renderReport } from './doctor-report.ts';
import type { Edge, ExitCode } from './edge.ts';
import { openSources } from './open-sources.ts';
import { readConfigOfAgent } from './read-config-of-agent.ts';

export interface DoctorOptions {
  readonly files: readonly string[];
  readonly output: 'text' | 'json';
  readonly secretsDir: string;
  /** False: no certificate is issued. */
  readonly trial: boolean;
}

/** @returns 0 when nothing failed, warnings or not; 1 when something did; 2 when the configuration is wrong. */
export async function doctor(options: DoctorOptions, edge: Edge): Promise<ExitCode> {
  const { config, problems } = await readConfigOfAgent(options.files, edge);
  for (const problem of problems) edge.writeError(`${formatProblem(problem)}\n`);
  if (config === undefined) return 2;
  const findings = await examine(config, {
    clock: systemClock,
    random: edge.random,
    readSource: openSources(options.secretsDir, edge),
    adminToken: edge.environment.VAULT_TOKEN,
    trial: options.trial,
  });
  const { mesh, service, backend } = config;
  const report = { mesh, service, spiffeId: config.spiffeId.toString(), backend: backend?.name, checks: findings };
  edge.writeOut(options.output === 'json' ? `${JSON.stringify(report, undefined, 2)}\n` : renderReport(report));
  return findings.some(({ verdict }) => verdict === 'fail') ? 1 : 0;
}
