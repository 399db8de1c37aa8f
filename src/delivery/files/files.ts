/**
 * Delivery to files, for Envoy and for everything else that reads PEM or PKCS#12.
 *
 * @module
 */
import { type Clock, MAX_SLEEP_MS, sleepUntil } from '../../clock.ts';
import type { ReadDataSource } from '../../data-source.ts';
import type { Generation } from '../../identity/identity.ts';
import type { Log } from '../../log.ts';
import type { Delivery } from '../delivery.ts';
import type { FilesConfig } from './config.ts';
import { type FileContent, listNames, renderBundle, renderFiles, renderFilesWithoutIdentity } from './contents.ts';
import { explainFailure } from './explain-failure.ts';
import { prepareDirectory, publishGeneration } from './generation-directory.ts';
import { readPredecessor } from './predecessor.ts';
import { sweepGenerations } from './sweep.ts';

/** For so long the directory is taken to be as it was found while the first certificate was on its way. */
const PREPARED_FOR_MS = 2_000;

/** Envoy ends when its files are not there, and takes longer to look; most certificates are there before. */
const EMPTY_AFTER_MS = 100;

export interface FilesOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Of passwords. */
  readonly readSource: ReadDataSource;
  /** Numeric user of this process, for the words of errors. */
  readonly uid?: number | undefined;
}

/** Touches no file before {@link Delivery.prepare} or {@link Delivery.deliver}. */
export function openFiles(config: FilesConfig, options: FilesOptions): Delivery {
  const { directory, graceMs } = config;
  const { clock, log, readSource } = options;
  const name = `files:${directory}`;
  const names = listNames(config);
  const access = { secretMode: config.keyMode, mode: config.mode, owner: config.owner, group: config.group };
  const closing = new AbortController();
  /** Aborted when what an earlier run left is no longer what readers find. */
  const superseding = new AbortController();
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
      if (clock.monotonicMs() - preparedAtMs > PREPARED_FOR_MS) await prepareDirectory(directory, names);
      await publishGeneration(directory, { names, contents }, access, clock.nowMs());
    } catch (thrown) {
      throw explain(thrown);
    }
    if (!sweeping) void sweepUntilClean();
  }

  async function sweepUntilClean(): Promise<void> {
    sweeping = true;
    while (sweeping && !closing.signal.aborted) {
      const waitMs = await serially(async () => {
        const nextMs = sweep();
        sweeping = nextMs !== undefined;
        return nextMs;
      });
      if (waitMs !== undefined) await clock.sleep(Math.min(waitMs, MAX_SLEEP_MS), closing.signal);
    }
  }

  function sweep(): number | undefined {
    const tell = ({ code, path }: NodeJS.ErrnoException) => {
      log.warn('an old generation cannot be removed', { delivery: name, path, error: code });
    };
    try {
      return sweepGenerations(directory, names, { graceMs, nowMs: clock.nowMs() }, tell);
    } catch (thrown) {
      tell(thrown as NodeJS.ErrnoException);
      return undefined;
    }
  }

  /** What an earlier run left is valid still, or nobody would wait. */
  async function withdrawWhenExpired(notAfterMs: number, bundle: string | undefined): Promise<void> {
    const { signal } = superseding;
    await sleepUntil(clock, notAfterMs, signal);
    while (!signal.aborted) {
      const isDone = await serially(async () => {
        if (signal.aborted) return true;
        await publish(renderFilesWithoutIdentity(bundle, 'expired', config));
        log.warn('certificate of an earlier run withdrawn, as it has expired', { delivery: name });
        return true;
      }).catch((thrown) => {
        log.error(explain(thrown).message, { delivery: name });
        return false;
      });
      if (isDone) return;
      await clock.sleep(MAX_SLEEP_MS, signal);
    }
  }

  return {
    name,
    writesFiles: true,
    async prepare() {
      const isEmpty = await serially(async () => {
        await prepareDirectory(directory, names);
        preparedAtMs = clock.monotonicMs();
        if (superseding.signal.aborted) return false;
        const left = readPredecessor(config);
        if (left?.notAfterMs !== undefined) void withdrawWhenExpired(left.notAfterMs, left.bundle);
        return left === undefined;
      });
      if (!isEmpty) return;
      await clock.sleep(EMPTY_AFTER_MS, superseding.signal);
      await serially(async () => {
        if (!superseding.signal.aborted) await publish(renderFilesWithoutIdentity(undefined, '0', config));
      });
    },
    deliver: (generation) =>
      serially(async () => {
        const contents = renderFiles(generation, config);
        if (config.pkcs12 !== undefined) {
          const { renderStores } = await import('./stores.ts');
          contents.push(...(await renderStores(generation, config, config.pkcs12, readSource)));
        }
        await publish(contents);
        superseding.abort();
        delivered = generation;
      }),
    withdraw: () =>
      serially(async () => {
        if (delivered === undefined) return;
        const version = `${delivered.number} expired`;
        await publish(renderFilesWithoutIdentity(renderBundle(delivered), version, config));
        delivered = undefined;
      }),
    async close() {
      closing.abort();
      superseding.abort();
      await lastWork.catch(() => undefined);
    },
  };
}
