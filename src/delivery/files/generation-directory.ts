/**
 * The kubelet's `..data` algorithm (pkg/volume/util/atomic_writer.go), by which all files of a directory change at once:
 *
 *     tls.crt -> ..data/tls.crt         what readers know; made once
 *     ..data -> ..meshcert-20261121T093000Z-x7Ya2k      renamed into place: the only step that anyone can see
 *     ..meshcert-20261121T093000Z-x7Ya2k/tls.crt        never changed after it was made
 *
 * A reader that wants a certificate and its key resolves `..data` once and takes both from there.
 *
 * What changes no more than the kernel's memory is done on the spot, as the way to another thread and back costs more than such a
 * step. What waits for a disk, `fsync`, is done elsewhere.
 *
 * @module
 */
import {
  chmodSync,
  closeSync,
  fchmodSync,
  fchownSync,
  fsync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { AgentError } from '../../errors.ts';
import type { FileContent } from './contents.ts';

/** The symlink whose rename publishes. */
export const DATA_LINK = '..data';
const NEW_DATA_LINK = '..data_tmp';

const GENERATION_PREFIX = '..meshcert-';
/** Directories of ours, and no others, are looked into or removed. */
export const GENERATION_NAME = /^\.\.meshcert-[0-9]{8}T[0-9]{6}Z-[A-Za-z0-9]{6}$/;

const OPEN_TO_ALL = 0o755;

export interface FileAccess {
  /** Permission bits of files with and without the private key. */
  readonly secretMode: number;
  readonly mode: number;
  /** Undefined: as the process has it. */
  readonly owner: number | undefined;
  readonly group: number | undefined;
}

/**
 * Makes the directory when it is missing (0755, whatever the umask is), and refuses one that is somebody else's work.
 *
 * @param names of the files that readers are to find.
 * @throws AgentError `ERR_DELIVERY`, or an error of the operating system.
 */
export async function prepareDirectory(directory: string, names: readonly string[]): Promise<void> {
  const found = lstatSync(directory, { throwIfNoEntry: false });
  if (found === undefined) await makeDirectory(directory);
  else if (found.isSymbolicLink()) {
    throw refuse(directory, `${directory} is a symbolic link`, 'name the directory that it leads to');
  } else if (!found.isDirectory()) {
    throw refuse(directory, `${directory} is not a directory`, 'move it away, or name another directory');
  }
  const target = readLinkOf(directory, DATA_LINK);
  readLinkOf(directory, NEW_DATA_LINK);
  if (target !== undefined && !GENERATION_NAME.test(target)) {
    throw refuse(
      directory,
      `${DATA_LINK} leads to ${target}, where another program keeps its files`,
      ANOTHER_DIRECTORY,
    );
  }
  for (const name of names) {
    const link = readLinkOf(directory, name);
    if (link !== undefined && link !== join(DATA_LINK, name)) {
      throw refuse(directory, `${join(directory, name)} is a symbolic link to ${link}`, MOVE_AWAY);
    }
  }
}

/**
 * Writes one generation whole into a new directory, out of everybody's sight, then makes it the one that readers find.
 * On failure nothing has changed and nothing is left. The generation before it is stamped with the time, as its grace
 * begins now.
 *
 * @throws an error of the operating system.
 */
export async function publishGeneration(
  directory: string,
  { names, contents }: { readonly names: readonly string[]; readonly contents: readonly FileContent[] },
  access: FileAccess,
  nowMs: number,
): Promise<void> {
  const now = new Date(nowMs);
  const stamp = now.toISOString().replace(/[-:]|\.\d+/g, '');
  const path = mkdtempSync(join(directory, `${GENERATION_PREFIX}${stamp}-`));
  try {
    await writeGeneration(path, contents, access);
    for (const name of names) orIf('EEXIST', () => symlinkSync(join(DATA_LINK, name), join(directory, name)));
    replaceLink(basename(path), join(directory, NEW_DATA_LINK));
    stampSuperseded(join(directory, DATA_LINK), now);
    renameSync(join(directory, NEW_DATA_LINK), join(directory, DATA_LINK));
  } catch (thrown) {
    try {
      removeGeneration(directory, basename(path), names);
    } catch {
      // The first failure tells more; what is left goes with the next sweep.
    }
    throw thrown;
  }
  await syncAndClose([openSync(directory, 'r')]);
}

/** Removes the files of these names from a generation, and its directory if that empties it. */
export function removeGeneration(directory: string, name: string, files: readonly string[]): void {
  for (const file of files) orIf('ENOENT', () => unlinkSync(join(directory, name, file)));
  orIf('ENOENT', () => rmdirSync(join(directory, name)));
}

async function writeGeneration(path: string, contents: readonly FileContent[], access: FileAccess): Promise<void> {
  const written: number[] = [];
  try {
    for (const content of contents) writeContent(path, content, access, written);
    chmodSync(path, OPEN_TO_ALL);
    written.push(openSync(path, 'r'));
  } catch (thrown) {
    for (const file of written) closeSync(file);
    throw thrown;
  }
  await syncAndClose(written);
}

/**
 * Nobody else can reach into the directory yet, so that the file may have its final mode before its final owner.
 *
 * @param opened gets the descriptor, whatever happens to the file then.
 */
function writeContent(path: string, content: FileContent, access: FileAccess, opened: number[]): void {
  const mode = content.secret ? access.secretMode : access.mode;
  const file = openSync(join(path, content.name), 'wx', mode);
  opened.push(file);
  writeFileSync(file, content.content);
  fchmodSync(file, mode);
  if (access.owner !== undefined || access.group !== undefined) {
    fchownSync(file, access.owner ?? -1, access.group ?? -1);
  }
}

/** Waits for all, so that nothing is still written when the first failure is told. */
async function syncAndClose(files: readonly number[]): Promise<void> {
  const results = await Promise.allSettled(files.map((file) => promisify(fsync)(file)));
  for (const file of files) closeSync(file);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

/** One may be there already, left by a run that was killed between the two steps of a swap. */
function replaceLink(target: string, path: string): void {
  orIf('ENOENT', () => unlinkSync(path));
  symlinkSync(target, path);
}

/** Before the swap: killed in between, it merely looks young. */
function stampSuperseded(path: string, now: Date): void {
  try {
    utimesSync(path, now, now);
  } catch {
    // There is none, or it is not ours to stamp, and so not ours to remove either.
  }
}

async function makeDirectory(directory: string): Promise<void> {
  const first = mkdirSync(directory, { recursive: true });
  if (first === undefined) return;
  for (let path = directory; path.length >= first.length; path = dirname(path)) chmodSync(path, OPEN_TO_ALL);
  await syncAndClose([openSync(dirname(first), 'r')]);
}

/** Where the symlink leads, or undefined when there is nothing. Anything else of that name is refused. */
function readLinkOf(directory: string, name: string): string | undefined {
  const path = join(directory, name);
  try {
    return orIf('ENOENT', () => readlinkSync(path));
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'EINVAL') {
      throw refuse(directory, `${path} was not made by meshcert`, MOVE_AWAY);
    }
    throw thrown;
  }
}

const MOVE_AWAY = 'move it away, or name another directory in deliver.files';
const ANOTHER_DIRECTORY = 'name another directory in deliver.files';

function refuse(directory: string, why: string, remedy: string): AgentError {
  return new AgentError('ERR_DELIVERY', `will not write the certificate to ${directory}: ${why}`, {
    detail: 'foreign_file',
    remedy,
  });
}

/** @returns undefined where the system answers with this code. */
function orIf<T>(code: string, work: () => T): T | undefined {
  try {
    return work();
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === code) return undefined;
    throw thrown;
  }
}
