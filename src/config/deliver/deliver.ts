import type { FilesConfig } from '../../delivery/files/config.ts';
import type { DeliverConfig } from '../config.ts';
import type { Place } from '../place.ts';
import { readMapping } from '../read.ts';
import { anything, asksForSomething, expected, quote } from '../schema.ts';
import { readFiles } from './files.ts';
import { readHooks } from './hooks.ts';
import { readVerify } from './verify.ts';
import { readWorkloadApi } from './workload-api.ts';

const DELIVER = { files: anything, sds: anything, workloadApi: anything, hooks: anything, verify: anything };

/** Reads `deliver`, reporting every mistake. What later versions bring is known, and refused when it asks for something. */
export function readDeliver(deliver: unknown, place: Place, currentDirectory: string): DeliverConfig {
  const { files, workloadApi, hooks, verify, ...later } = readMapping(DELIVER, deliver, place);
  for (const [key, value] of Object.entries(later)) {
    if (asksForSomething(value)) place.at(key).error('not in this version yet', 'use files');
  }
  const isServed = asksForSomething(workloadApi);
  return {
    files: readFilesList(files, isServed, place.at('files'), currentDirectory),
    workloadApi: isServed ? readWorkloadApi(workloadApi, place.at('workloadApi'), currentDirectory) : undefined,
    hooks: readHooks(hooks, place.at('hooks'), currentDirectory),
    verify: readVerify(verify, place.at('verify')),
  };
}

/** @param isServed whether the identity is to be had on a socket: then there need not be files, and no key touches a disk. */
function readFilesList(files: unknown, isServed: boolean, listPlace: Place, currentDirectory: string): FilesConfig[] {
  const raw = files ?? (isServed ? [] : [{ directory: '.meshcert/identity' }]);
  if (!Array.isArray(raw)) {
    listPlace.error(expected('a list', raw), 'start each entry with "- "');
    return [];
  }
  if (raw.length === 0 && !isServed)
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
