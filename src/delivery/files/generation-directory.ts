/**
 * The kubelet's `..data` algorithm (pkg/volume/util/atomic_writer.go), by which all files of a directory change at once:
 *
 *     tls.crt -> ..data/tls.crt         what readers know; made once
 *     ..data -> ..meshcert-20261121T093000Z-x7Ya2k      renamed into place: the only step that anyone can see
 *     ..meshcert-20261121T093000Z-x7Ya2k/tls.crt        never changed after it was made
 *
 * A reader that wants a certificate and its key resolves `..data` once and takes both from there.
 *
 * @module
 */
import { chmod, lstat, mkdir, mkdtemp, open, readlink, rename, rmdir, symlink, unlink, utimes } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
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
  const found = await lstat(directory).catch(orIfMissing(undefined));
  if (found === undefined) await makeDirectory(directory);
  else if (found.isSymbolicLink()) {
    throw refuse(directory, `${directory} is a symbolic link`, 'name the directory that it leads to');
  } else if (!found.isDirectory()) {
    throw refuse(directory, `${directory} is not a directory`, 'move it away, or name another directory');
  }
  const all = [DATA_LINK, NEW_DATA_LINK, ...names];
  const [target, , ...visible] = await Promise.all(all.map((name) => readLinkOf(directory, name)));
  if (target !== undefined && !GENERATION_NAME.test(target)) {
    throw refuse(
      directory,
      `${DATA_LINK} leads to ${target}, where another program keeps its files`,
      ANOTHER_DIRECTORY,
    );
  }
  for (const [index, name] of names.entries()) {
    const link = visible[index];
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
  const path = await mkdtemp(join(directory, `${GENERATION_PREFIX}${stamp}-`));
  try {
    await settleAll([
      writeGeneration(path, contents, access),
      linkNames(directory, names),
      replaceLink(basename(path), join(directory, NEW_DATA_LINK)),
      // Before the swap: killed in between, the old one merely looks young. Not ours to stamp: not ours to remove either.
      utimes(join(directory, DATA_LINK), now, now).catch(() => undefined),
    ]);
    await rename(join(directory, NEW_DATA_LINK), join(directory, DATA_LINK));
  } catch (thrown) {
    await removeGeneration(directory, basename(path), names).catch(() => undefined);
    throw thrown;
  }
  await syncDirectory(directory);
}

/** Removes the files of these names from a generation, and its directory if that empties it. */
export async function removeGeneration(directory: string, name: string, files: readonly string[]): Promise<void> {
  for (const file of files) await unlink(join(directory, name, file)).catch(orIfMissing(undefined));
  await rmdir(join(directory, name)).catch(orIfMissing(undefined));
}

async function writeGeneration(path: string, contents: readonly FileContent[], access: FileAccess): Promise<void> {
  await settleAll(contents.map((content) => writeContent(path, content, access)));
  await chmod(path, OPEN_TO_ALL);
  await syncDirectory(path);
}

/** Nobody else can reach into the directory yet, so that the file may have its final mode before its final owner. */
async function writeContent(path: string, content: FileContent, access: FileAccess): Promise<void> {
  const mode = content.secret ? access.secretMode : access.mode;
  const file = await open(join(path, content.name), 'wx', mode);
  try {
    await file.writeFile(content.content);
    await file.chmod(mode);
    if (access.owner !== undefined || access.group !== undefined) {
      await file.chown(access.owner ?? -1, access.group ?? -1);
    }
    await file.sync();
  } finally {
    await file.close();
  }
}

async function linkNames(directory: string, names: readonly string[]): Promise<void> {
  await settleAll(
    names.map((name) => symlink(join(DATA_LINK, name), join(directory, name)).catch(orIf('EEXIST', undefined))),
  );
}

/** One may be there already, left by a run that was killed between the two steps of a swap. */
async function replaceLink(target: string, path: string): Promise<void> {
  await unlink(path).catch(orIfMissing(undefined));
  await symlink(target, path);
}

async function makeDirectory(directory: string): Promise<void> {
  const first = await mkdir(directory, { recursive: true });
  if (first === undefined) return;
  for (let path = directory; path.length >= first.length; path = dirname(path)) await chmod(path, OPEN_TO_ALL);
  await syncDirectory(dirname(first));
}

/** Waits for all, so that nothing is still written when the first failure is told. */
async function settleAll(work: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(work);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Where the symlink leads, or undefined when there is nothing. Anything else of that name is refused. */
async function readLinkOf(directory: string, name: string): Promise<string | undefined> {
  const path = join(directory, name);
  return readlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    if (error.code === 'EINVAL') throw refuse(directory, `${path} was not made by meshcert`, MOVE_AWAY);
    throw error;
  });
}

const MOVE_AWAY = 'move it away, or name another directory in deliver.files';
const ANOTHER_DIRECTORY = 'name another directory in deliver.files';

function refuse(directory: string, why: string, remedy: string): AgentError {
  return new AgentError('ERR_DELIVERY', `will not write the certificate to ${directory}: ${why}`, {
    detail: 'foreign_file',
    remedy,
  });
}

function orIfMissing<T>(value: T): (error: NodeJS.ErrnoException) => T {
  return orIf('ENOENT', value);
}

function orIf<T>(code: string, value: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code === code) return value;
    throw error;
  };
}
