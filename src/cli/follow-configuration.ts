import { readFileSync, statSync } from 'node:fs';
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
  /**
   * By path, what was read last: of the configuration with what is running, of credentials so far. What has changed since
   * then is brought in as well, although nobody watched.
   */
  readonly lastRead: ReadonlyMap<string, string>;
}

/**
 * Brings what is stored anew into what is running, the agent or the signer, until the signal is aborted: configuration, credentials, CAs. A
 * configuration with a mistake is refused, with every mistake in the log, and the running one stays.
 */
export async function followConfiguration(
  agent: Pick<Agent, 'reconfigure' | 'sourcesChanged'>,
  { files, lastRead }: Followed,
  { edge, clock, log }: { readonly edge: Edge; readonly clock: Clock; readonly log: Log },
  signal: AbortSignal,
): Promise<void> {
  const configured = files.map((file) => resolve(edge.currentDirectory, file));
  const sources = () => [...lastRead.keys()].filter((path) => !configured.includes(path));

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
    if (sources().some((path) => paths.has(path))) agent.sourcesChanged();
  }

  const ports = { openHints: openFolderHints, readFile: readIfThere, lastRead, clock, log };
  await watchFiles(() => [...configured, ...sources()].filter(canBeReadAgain), changed, ports, signal);
}

/** Not a pipe, such as the shell's `<(...)`: it gives its text once, and whoever reads it again waits for ever. */
function canBeReadAgain(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? true;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
