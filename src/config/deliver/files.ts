import { resolve } from 'node:path';
import type { FilesConfig } from '../../delivery/files/config.ts';
import type { Place } from '../place.ts';
import { readMapping } from '../read.ts';
import { isAbsent, isMapping, maybe, path } from '../schema.ts';
import { numericId, octalMode } from './permissions.ts';

const FILES = {
  directory: maybe(path),
  mode: maybe(octalMode),
  keyMode: maybe(octalMode),
  owner: maybe(numericId),
  group: maybe(numericId),
};

/** Reads one entry of `deliver.files`, reporting every mistake; undefined without a usable directory. */
export function readFiles(entry: unknown, place: Place, currentDirectory: string): FilesConfig | undefined {
  const { directory, mode = 0o644, keyMode = 0o600, owner, group } = readMapping(FILES, entry, place);
  if (isAbsent(entry) || (isMapping(entry) && isAbsent(entry.directory))) {
    place.at('directory').error('missing: expected the directory for the files');
  }
  if ((keyMode & 0o004) !== 0) place.at('keyMode').warn('every user of this machine may read the private key');
  if (directory === undefined) return undefined;
  return { directory: resolve(currentDirectory, directory), mode, keyMode, owner, group };
}
