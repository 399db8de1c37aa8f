import { type Agent, openAgent } from '../agent.ts';
import { type Clock, systemClock } from '../clock.ts';
import { formatProblem } from '../config/problem.ts';
import { type Log, type LogLevel, openLog } from '../log.ts';
import type { ToldSystemd } from '../systemd/tell-systemd.ts';
import { openReadRecord } from '../watch/read-record.ts';
import type { Edge, ExitCode } from './edge.ts';
import type { followConfiguration } from './follow-configuration.ts';
import { openSources } from './open-sources.ts';
import { readConfig } from './read-config.ts';
import type { openTerminal as openTerminalNow, Terminal } from './terminal.ts';
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

interface Ports {
  readonly edge: Edge;
  readonly clock: Clock;
  readonly log: Log;
}

/** Loaded when the first certificate is out. */
const follow: typeof followConfiguration = async (...args) => {
  const { followConfiguration: loaded } = await import('./follow-configuration.ts');
  await loaded(...args);
};

/** Loaded only where systemd wants to know. */
const tell = async (agent: Agent, { edge, clock, log }: Ports, signal: AbortSignal): Promise<ToldSystemd> => {
  const { tellSystemd } = await import('../systemd/tell-systemd.ts');
  const { openSendMessage } = await import('../systemd/send-message.ts');
  const { environment, pid } = edge;
  return tellSystemd(agent, { environment, pid, clock, log, send: openSendMessage(environment) }, signal);
};

/** Loaded only where a person looks. */
const openTerminal = async (...args: Parameters<typeof openTerminalNow>): Promise<Terminal> => {
  const { openTerminal: loaded } = await import('./terminal.ts');
  return loaded(...args);
};

/** The agent: until a signal ends it or, with `once`, until its first generation is delivered. */
export async function run(options: RunOptions, edge: Edge): Promise<ExitCode> {
  const clock = systemClock;
  const format = options.logFormat ?? (edge.isTerminal ? 'text' : 'json');
  const terminal = edge.isTerminal && format === 'text' ? await openTerminal(edge, clock) : undefined;
  const log = openLog({
    format,
    level: options.logLevel,
    nowMs: () => clock.nowMs(),
    write: terminal?.write ?? edge.writeError,
    paintLevel: terminal?.paintLevel,
  });
  const { digests, remember } = openReadRecord();
  const { config, problems } = await readConfig(options.files, edge, remember);
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
    readSource: openSources(options.secretsDir, edge, remember),
    readUsage: edge.readUsage,
    facts: { version, nodeVersion: edge.nodeVersion, pid: edge.pid },
    uid: edge.uid,
    environment: edge.environment,
    sendSignal: edge.sendSignal,
  });
  const stop = new AbortController();
  edge.onSignal('SIGTERM', () => stop.abort());
  edge.onSignal('SIGINT', () => stop.abort());
  if (options.once) {
    await agent.runOnce(AbortSignal.any([stop.signal, AbortSignal.timeout(options.timeoutMs)]));
    return 0;
  }
  const ended = new AbortController();
  const leaving = AbortSignal.any([stop.signal, ended.signal]);
  const systemd = edge.environment.NOTIFY_SOCKET ? tell(agent, { edge, clock, log }, leaving) : undefined;
  edge.onSignal('SIGHUP', () => {
    // Why it failed stands in the log.
    const rotated = agent.rotate('signal', stop.signal).catch(() => undefined);
    void systemd?.then(({ reloading }) => reloading(rotated));
  });
  let following: Promise<void> | undefined;
  let shown: Promise<void> | undefined;
  try {
    await agent.run(stop.signal, () => {
      following = follow(agent, { files: options.files, lastRead: digests() }, { edge, clock, log }, ended.signal);
      shown = terminal?.showCountdown(agent.status, leaving);
    });
  } finally {
    ended.abort();
    await Promise.all([following, shown]);
    await (await systemd)?.ended;
  }
  log.info('stopped');
  return 0;
}
