import { lstatSync, readdirSync, readlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { DATA_LINK, GENERATION_NAME, removeGeneration } from './generation-directory.ts';

/**
 * Removes generations that no reader can be inside of any more: superseded, or left half-written by a run that was
 * killed, for longer than `graceMs`. A reader that resolved `..data` just before a swap needs that time. When none is left
 * to wait for, also the links of names that an earlier configuration had.
 *
 * Only directories of our naming and of the owner of the current one are touched, and in them only files that have, or
 * had, a link of ours. One that cannot be removed is told to `onFailure` and does not keep the others.
 *
 * @param names of the files in use.
 * @returns milliseconds until the next one may go; undefined when none is left to wait for.
 */
export function sweepGenerations(
  directory: string,
  names: readonly string[],
  { graceMs, nowMs }: { readonly graceMs: number; readonly nowMs: number },
  onFailure: (error: NodeJS.ErrnoException) => void,
): number | undefined {
  const current = readlinkSync(join(directory, DATA_LINK));
  const { uid } = lstatSync(join(directory, current));
  const found = readdirSync(directory, { withFileTypes: true });
  const former: string[] = [];
  for (const entry of found) {
    if (entry.isSymbolicLink() && !names.includes(entry.name) && isOurLink(directory, entry.name))
      former.push(entry.name);
  }
  let nextMs: number | undefined;
  for (const { name } of found) {
    if (name === current || !GENERATION_NAME.test(name)) continue;
    const generation = lstatSync(join(directory, name));
    if (!generation.isDirectory() || generation.uid !== uid) continue;
    const leftMs = generation.mtimeMs + graceMs - nowMs;
    if (leftMs <= 0) tell(() => removeGeneration(directory, name, [...names, ...former]), onFailure);
    else nextMs = Math.min(nextMs ?? leftMs, leftMs);
  }
  if (nextMs === undefined) for (const name of former) tell(() => unlinkSync(join(directory, name)), onFailure);
  return nextMs;
}

function isOurLink(directory: string, name: string): boolean {
  try {
    return readlinkSync(join(directory, name)) === join(DATA_LINK, name);
  } catch {
    return false;
  }
}

function tell(work: () => void, onFailure: (error: NodeJS.ErrnoException) => void): void {
  try {
    work();
  } catch (thrown) {
    onFailure(thrown as NodeJS.ErrnoException);
  }
}
