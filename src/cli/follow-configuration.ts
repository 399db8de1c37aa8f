import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Agent } from '../agent.ts';
import type { Clock } from '../clock.ts';
import { formatProblem } from '../config/problem.ts';
import type { Log } from '../log.ts';
import { openFolderHints } from '../watch/folder-hints.ts';
import { watchFiles } from '../watch/watch-files.ts';
import type { Edge } from './edge.ts';
import { readConfig } from './read-config.ts';

export interface Followed {
  /** What `-c` named, in order. */
  readonly files: readonly string[];
  /** Absolute paths of the credentials that were read so far. */
  readonly sources: () => Iterable<string>;
}

/**
 * Brings what is stored anew into what is running, the agent or the signer, until the signal is aborted: configuration, credentials, CAs. A
 * configuration with a mistake is refused, with every mistake in the log, and the running one stays.
 */
export async function followConfiguration(
  agent: Pick<Agent, 'reconfigure' | 'sourcesChanged'>,
  { files, sources }: Followed,
  { edge, clock, log }: { readonly edge: Edge; readonly clock: Clock; readonly log: Log },
  signal: AbortSignal,
): Promise<void> {
  const configured = files.map((file) => resolve(edge.currentDirectory, file));

  async function reload(): Promise<void> {
    const { config, problems } = await readConfig(files, edge);
    if (config === undefined) {
      log.error('the changed configuration is refused, the running one stays', {
        mistakes: problems.filter(({ severity }) => severity === 'error').length,
      });
      for (const problem of problems) log.error(formatProblem(problem));
      return;
    }
    for (const problem of problems) log.warn(formatProblem(problem));
    await agent.reconfigure(config);
  }

  async function changed(paths: ReadonlySet<string>): Promise<void> {
    if (configured.some((path) => paths.has(path))) await reload();
    if ([...sources()].some((path) => paths.has(path))) agent.sourcesChanged();
  }

  const ports = { openHints: openFolderHints, readFile: readIfThere, clock, log };
  await watchFiles(() => [...configured, ...sources()], changed, ports, signal);
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}
