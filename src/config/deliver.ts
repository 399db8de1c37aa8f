import { resolve } from 'node:path';
import type { FilesConfig } from './config.ts';
import type { Place } from './place.ts';
import { readMapping } from './read.ts';
import {
  anything,
  asksForSomething,
  convert,
  expected,
  fail,
  integer,
  isAbsent,
  isMapping,
  maybe,
  path,
  quote,
} from './schema.ts';

/** Of users and groups; the number above is -1 to the kernel. */
const MAX_ID = 0xffff_fffe;

const octalMode = convert((input) => {
  const hint = 'write four octal digits in quotes, such as "0640"';
  if (typeof input === 'number')
    return fail('expected permission bits in quotes: YAML reads bare digits as decimal', hint);
  if (typeof input !== 'string') return fail(expected('permission bits', input), hint);
  return /^(0o?)?[0-7]{3}$/.test(input)
    ? Number.parseInt(input.replace('o', ''), 8)
    : fail(`expected permission bits, got ${quote(input)}`, hint);
});

const DELIVER = { files: anything, sds: anything, workloadApi: anything, hooks: anything, verify: anything };
const FILES = {
  directory: maybe(path),
  mode: maybe(octalMode),
  keyMode: maybe(octalMode),
  owner: maybe(integer(0, MAX_ID)),
  group: maybe(integer(0, MAX_ID)),
};

/** Reads `deliver`, reporting every mistake. What later versions bring is known, and refused when it asks for something. */
export function readDeliver(deliver: unknown, place: Place, currentDirectory: string): FilesConfig[] {
  const { files, ...later } = readMapping(DELIVER, deliver, place);
  for (const [key, value] of Object.entries(later)) {
    if (asksForSomething(value)) place.at(key).error('not in this version yet', 'use files');
  }
  const raw = files ?? [{ directory: '.meshcert/identity' }];
  const listPlace = place.at('files');
  if (!Array.isArray(raw)) {
    listPlace.error(expected('a list', raw), 'start each entry with "- "');
    return [];
  }
  if (raw.length === 0)
    listPlace.error('expected at least one directory', 'leave "files" out for ./.meshcert/identity');
  const outputs: FilesConfig[] = [];
  raw.forEach((entry: unknown, index) => {
    const output = readFiles(entry, listPlace.at(index), currentDirectory);
    if (output === undefined) return;
    if (outputs.some(({ directory }) => directory === output.directory)) {
      listPlace.at(index, 'directory').error(`another entry has the directory ${quote(output.directory)}, too`);
    }
    outputs.push(output);
  });
  return outputs;
}

function readFiles(entry: unknown, place: Place, currentDirectory: string): FilesConfig | undefined {
  const { directory, mode = 0o644, keyMode = 0o600, owner, group } = readMapping(FILES, entry, place);
  if (isAbsent(entry) || (isMapping(entry) && isAbsent(entry.directory))) {
    place.at('directory').error('missing: expected the directory for the files');
  }
  if ((keyMode & 0o004) !== 0) place.at('keyMode').warn('every user of this machine may read the private key');
  if (directory === undefined) return undefined;
  return { directory: resolve(currentDirectory, directory), mode, keyMode, owner, group };
}
