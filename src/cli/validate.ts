import type { Config } from '../config/config.ts';
import { formatProblem } from '../config/problem.ts';
import type { Edge, ExitCode } from './edge.ts';
import { readConfig } from './read-config.ts';

/**
 * Checks the configuration without touching the network: a line for every mistake and warning, then one that sums up.
 *
 * @param files what `-c` named, in order.
 * @returns the exit code: 0, or 2 when there is a mistake.
 */
export async function validate(
  files: readonly string[],
  edge: Pick<Edge, 'environment' | 'hostName' | 'currentDirectory' | 'writeOut'>,
): Promise<ExitCode> {
  const { writeOut } = edge;
  const { config, problems } = await readConfig(files, edge);
  for (const problem of problems) writeOut(`${formatProblem(problem)}\n`);

  const mistakes = problems.filter(({ severity }) => severity === 'error');
  const warnings = count(problems.length - mistakes.length, 'warning');
  if (mistakes.length > 0 || config === undefined) {
    const found = [count(mistakes.length, 'mistake'), warnings].filter((part) => part !== '').join(' and ');
    writeOut(`${found} in ${count(new Set(problems.map(({ file }) => file)).size, 'file')}\n`);
    return 2;
  }
  writeOut(`ok: ${describe(config)}${warnings === '' ? '' : `; ${warnings}`}\n`);
  return 0;
}

function describe({ mesh, service, spiffeId, backend, deliver }: Config): string {
  const parts = [`mesh ${mesh}`, `service ${service}`, spiffeId.toString()];
  parts.push(backend === undefined ? 'mTLS is off' : `backend ${backend.name} (${backend.issuer.kind})`);
  const directories = deliver.files.length;
  if (directories > 0) parts.push(directories === 1 ? '1 directory' : `${directories} directories`);
  if (deliver.sds !== undefined) parts.push('SDS');
  if (deliver.workloadApi !== undefined) parts.push('Workload API');
  return parts.join(', ');
}

/** `2 mistakes`; empty for none. */
function count(number: number, what: string): string {
  return number === 0 ? '' : `${number} ${what}${number === 1 ? '' : 's'}`;
}
