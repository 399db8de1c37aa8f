import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { DATA_LINK, GENERATION_NAME, removeGeneration } from './generation-directory.ts';

/**
 * Removes generations that no reader can be inside of any more: superseded, or left half-written by a run that was
 * killed, for longer than `graceMs`. A reader that resolved `..data` just before a swap needs that time.
 *
 * Only directories of our naming and of the owner of the current one are touched. One that cannot be removed is told to
 * `onFailure` and does not keep the others.
 *
 * @returns milliseconds until the next one may go; undefined when none is left to wait for.
 */
export async function sweepGenerations(
  directory: string,
  graceMs: number,
  nowMs: number,
  onFailure: (error: NodeJS.ErrnoException) => void,
): Promise<number | undefined> {
  const current = await readlink(join(directory, DATA_LINK));
  const { uid } = await lstat(join(directory, current));
  let nextMs: number | undefined;
  for (const name of await readdir(directory)) {
    if (name === current || !GENERATION_NAME.test(name)) continue;
    const found = await lstat(join(directory, name));
    if (!found.isDirectory() || found.uid !== uid) continue;
    const leftMs = found.mtimeMs + graceMs - nowMs;
    if (leftMs <= 0) await removeGeneration(directory, name).catch(onFailure);
    else nextMs = Math.min(nextMs ?? leftMs, leftMs);
  }
  return nextMs;
}
