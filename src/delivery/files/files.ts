/**
 * Delivery to files, for Envoy and for everything else that reads PEM.
 *
 * @module
 */
import { type Clock, MAX_SLEEP_MS } from '../../clock.ts';
import type { Generation } from '../../identity/identity.ts';
import type { Log } from '../../log.ts';
import type { Delivery } from '../delivery.ts';
import type { FilesConfig } from './config.ts';
import { type FileContent, renderFiles, renderFilesWithoutIdentity } from './contents.ts';
import { explainFailure } from './explain-failure.ts';
import { prepareDirectory, publishGeneration } from './generation-directory.ts';
import { sweepGenerations } from './sweep.ts';

/** A reader that is inside a generation when it is superseded has this long to finish. */
const DEFAULT_GRACE_MS = 60_000;
/** For so long the directory is taken to be as it was found while the first certificate was on its way. */
const PREPARED_FOR_MS = 2_000;

export interface FilesOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** How long a superseded generation stays readable, in milliseconds. Default 60 s. */
  readonly graceMs?: number | undefined;
  /** Numeric user of this process, for the words of errors. */
  readonly uid?: number | undefined;
}

/** Touches no file before {@link Delivery.prepare} or {@link Delivery.deliver}. */
export function openFiles(config: FilesConfig, options: FilesOptions): Delivery {
  const { directory } = config;
  const { clock, log, graceMs = DEFAULT_GRACE_MS } = options;
  const name = `files:${directory}`;
  const access = { secretMode: config.keyMode, mode: config.mode, owner: config.owner, group: config.group };
  const closing = new AbortController();
  let lastWork: Promise<unknown> = Promise.resolve();
  let delivered: Generation | undefined;
  let sweeping = false;
  let preparedAtMs = Number.NEGATIVE_INFINITY;

  const explain = (thrown: unknown) =>
    explainFailure(thrown, { directory, uid: options.uid, owner: config.owner, group: config.group });

  /** One at a time, so that nothing is swept while it is being written. */
  function serially<T>(work: () => Promise<T>): Promise<T> {
    const done = lastWork.then(work, work);
    lastWork = done;
    return done;
  }

  async function publish(contents: readonly FileContent[]): Promise<void> {
    try {
      if (clock.monotonicMs() - preparedAtMs > PREPARED_FOR_MS) await prepareDirectory(directory);
      await publishGeneration(directory, contents, access, clock.nowMs());
    } catch (thrown) {
      throw explain(thrown);
    }
    if (!sweeping) void sweepUntilClean();
  }

  async function sweepUntilClean(): Promise<void> {
    sweeping = true;
    while (sweeping && !closing.signal.aborted) {
      const waitMs = await serially(async () => {
        const tell = ({ code, path }: NodeJS.ErrnoException) => {
          log.warn('an old generation cannot be removed', { delivery: name, path, error: code });
        };
        const nextMs = await sweepGenerations(directory, graceMs, clock.nowMs(), tell).catch((error) => {
          tell(error);
          return undefined;
        });
        sweeping = nextMs !== undefined;
        return nextMs;
      });
      if (waitMs !== undefined) await clock.sleep(Math.min(waitMs, MAX_SLEEP_MS), closing.signal);
    }
  }

  return {
    name,
    writesFiles: true,
    prepare: () =>
      serially(async () => {
        await prepareDirectory(directory);
        preparedAtMs = clock.monotonicMs();
      }),
    deliver: (generation) =>
      serially(async () => {
        await publish(renderFiles(generation, directory));
        delivered = generation;
      }),
    withdraw: () =>
      serially(async () => {
        if (delivered !== undefined) await publish(renderFilesWithoutIdentity(delivered, directory));
        delivered = undefined;
      }),
    async close() {
      closing.abort();
      await lastWork.catch(() => undefined);
    },
  };
}
