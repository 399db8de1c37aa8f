import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Test } from 'tap';
import { eventually } from './eventually.ts';
import { peerProgram } from './peers.ts';
import { plainEnvironment, startProcess } from './process.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import { uniqueName } from './unique-name.ts';

/** One line of test/peers/spiffe-client or test/peers/py-spiffe. */
export type SpiffeEvent =
  | { readonly event: 'context'; readonly svids: readonly ReadSvid[]; readonly bundles: Bundles }
  | { readonly event: 'bundles'; readonly bundles: Bundles }
  | { readonly event: 'error'; readonly code: string; readonly error: string }
  | { readonly event: 'failed'; readonly error: string };

export interface ReadSvid {
  readonly spiffeId: string;
  /** Upper-case hexadecimal, without leading zeros. */
  readonly serialNumber: string;
  readonly hint?: string;
  readonly notAfter: string;
  /** In the chain. */
  readonly certificates: number;
  /** Under the bundle of its trust domain; else why not. */
  readonly verified: true | string;
}

/** SHA-256 of the authorities by name of the trust domain. */
type Bundles = Readonly<Record<string, readonly string[]>>;

export interface WatchingClient {
  events(): SpiffeEvent[];
  /** The first SVID that was seen after `known` others; waits for it. */
  nextSvid(known?: readonly string[]): Promise<ReadSvid>;
  /** Waits for one after the first `since` events. */
  waitFor(what: string, isIt: (event: SpiffeEvent) => boolean, since?: number): Promise<SpiffeEvent>;
  stop(): Promise<void>;
}

const PY_SPIFFE_WATCH = resolve(import.meta.dirname, '../peers/py-spiffe/watch.py');

/** The libraries that read the Workload API, each as the command that watches it. */
export const WATCHERS = {
  'go-spiffe': () => [peerProgram('spiffe-client'), 'watch'],
  'py-spiffe': () => [peerProgram('py-spiffe'), PY_SPIFFE_WATCH],
} as const;

/** @param socket path; need not be there yet for go-spiffe, must for py-spiffe. */
export async function watchWorkloadApi(
  t: Pick<Test, 'teardown'>,
  library: keyof typeof WATCHERS,
  socket: string,
  { command = WATCHERS[library](), startedBy = [] }: { command?: string[]; startedBy?: string[] } = {},
): Promise<WatchingClient> {
  const directory = temporaryDirectory(t);
  const [program = '', ...args] = [...startedBy, ...command, `unix://${socket}`];
  const running = await startProcess({ name: uniqueName(library), command: program, args, directory });
  t.teardown(() => running.stop());
  const events = () =>
    running
      .output()
      .split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => JSON.parse(line) as SpiffeEvent);
  const waitFor: WatchingClient['waitFor'] = (what, isIt, since = 0) =>
    eventually(`${library}: ${what}`, () => events().slice(since).find(isIt), { timeoutMs: 20_000 }).catch(
      (error: Error) => {
        throw new Error(`${error.message}\n${running.output()}`);
      },
    );
  return {
    events,
    waitFor,
    async nextSvid(known = []) {
      const isNew = (event: SpiffeEvent) =>
        event.event === 'context' && event.svids.some(({ serialNumber }) => !known.includes(serialNumber));
      const event = await waitFor('there is another SVID', isNew);
      if (event.event !== 'context' || event.svids[0] === undefined) throw new Error('no SVID');
      return event.svids[0];
    },
    stop: async () => {
      await running.stop();
    },
  };
}

/** Runs a command of test/peers/spiffe-client to its end; its one line. */
export async function askSpiffeClient(
  args: readonly string[],
): Promise<{ readonly event: string; readonly error?: string; readonly [key: string]: unknown }> {
  const child = spawn(peerProgram('spiffe-client'), args, {
    env: plainEnvironment('/'),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return JSON.parse(await text(child.stdout));
}
