import { openAgent } from '../agent.ts';
import { systemClock } from '../clock.ts';
import { formatProblem } from '../config/problem.ts';
import { openDataSources } from '../data-source.ts';
import { type LogLevel, openLog } from '../log.ts';
import type { Edge, ExitCode } from './edge.ts';
import { readConfig } from './read-config.ts';
import { version } from './version.ts';

export interface RunOptions {
  readonly files: readonly string[];
  readonly once?: true;
  /** How long `once` tries. */
  readonly timeoutMs: number;
  readonly secretsDir: string;
  readonly logLevel: LogLevel;
  readonly logFormat?: 'text' | 'json';
}

export const RUN_DEFAULTS = {
  timeoutMs: 60_000,
  secretsDir: '/var/run/secrets/meshcert',
  logLevel: 'info',
} as const;

/** The agent: until a signal ends it or, with `once`, until its first generation is delivered. */
export async function run(options: RunOptions, edge: Edge): Promise<ExitCode> {
  const clock = systemClock;
  const log = openLog({
    format: options.logFormat ?? (edge.isTerminal ? 'text' : 'json'),
    level: options.logLevel,
    nowMs: () => clock.nowMs(),
    write: edge.writeError,
  });
  const { config, problems } = await readConfig(options.files, edge);
  for (const problem of problems.filter(({ severity }) => severity === 'warning')) log.warn(formatProblem(problem));
  if (config === undefined) {
    const mistakes = problems.filter(({ severity }) => severity === 'error');
    for (const problem of mistakes) edge.writeError(`${formatProblem(problem)}\n`);
    return 2;
  }
  const agent = await openAgent(config, {
    clock,
    random: edge.random,
    log,
    readSource: openDataSources(options.secretsDir),
    readUsage: edge.readUsage,
    facts: { version, nodeVersion: edge.nodeVersion, pid: edge.pid },
    uid: edge.uid,
  });
  const stop = new AbortController();
  edge.onSignal('SIGTERM', () => stop.abort());
  edge.onSignal('SIGINT', () => stop.abort());
  if (options.once) {
    await agent.runOnce(AbortSignal.any([stop.signal, AbortSignal.timeout(options.timeoutMs)]));
    return 0;
  }
  edge.onSignal('SIGHUP', () => {
    // Why it failed stands in the log.
    agent.rotate('signal', stop.signal).catch(() => undefined);
  });
  await agent.run(stop.signal);
  log.info('stopped');
  return 0;
}
