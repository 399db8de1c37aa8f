import type { DoctorReport } from '../../src/cli/doctor-report.ts';
import type { Finding } from '../../src/doctor/examination.ts';
import { type AgentOptions, writeConfiguration } from './agent.ts';
import { type CommandLineOptions, runCommandLine } from './command-line.ts';
import { uniqueName } from './unique-name.ts';

export interface DoctorOptions
  extends Pick<AgentOptions, 'mesh' | 'meshName' | 'service' | 'agentLines'>,
    CommandLineOptions {
  /** Further arguments. */
  readonly args?: readonly string[];
}

export interface Examined {
  readonly code: number;
  readonly findings: readonly Finding[];
  /** All that it said. */
  readonly text: string;
  /** What this check found. Throws when it was not made. */
  finding(check: string): Finding;
  /** `check: verdict` of all that is neither well nor left out. */
  readonly complaints: readonly string[];
}

/** `meshcert doctor -o json` for a Mesh. */
export async function runDoctor({
  mesh,
  meshName = 'default',
  service = 'web',
  agentLines = '',
  args = [],
  ...options
}: DoctorOptions): Promise<Examined> {
  const directory = `${options.directory}/${uniqueName('doctor')}`;
  const { configFile } = writeConfiguration({ directory, mesh, meshName, service, agentLines });
  const { code, out, error } = await runCommandLine(['doctor', '-c', configFile, '-o', 'json', ...args], options);
  if (out === '') throw new Error(`doctor ended with ${code}: ${error}`);
  const { checks } = JSON.parse(out) as DoctorReport;
  return {
    code,
    findings: checks,
    text: out + error,
    finding(check) {
      const found = checks.find((one) => one.check === check);
      if (found === undefined) throw new Error(`there is no check "${check}" in ${out}`);
      return found;
    },
    complaints: checks
      .filter(({ verdict }) => verdict === 'warn' || verdict === 'fail')
      .map(({ check, verdict, cause }) => `${check}: ${verdict}: ${cause}`),
  };
}
