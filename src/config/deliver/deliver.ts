import type { FilesConfig } from '../../delivery/files/config.ts';
import type { DeliverConfig } from '../config.ts';
import type { Place } from '../place.ts';
import { readMapping } from '../read.ts';
import { anything, asksForSomething, expected, quote } from '../schema.ts';
import { readFiles } from './files.ts';
import { checkSharing } from './grpc-socket.ts';
import { readHooks } from './hooks.ts';
import { readSds } from './sds.ts';
import { readVerify } from './verify.ts';
import { readWorkloadApi } from './workload-api.ts';

const DELIVER = { files: anything, sds: anything, workloadApi: anything, hooks: anything, verify: anything };

/** Reads `deliver`, reporting every mistake. */
export function readDeliver(deliver: unknown, place: Place, currentDirectory: string): DeliverConfig {
  const { files, hooks, verify, ...sockets } = readMapping(DELIVER, deliver, place);
  const isServed = Object.values(sockets).some(asksForSomething);
  return {
    files: readFilesList(files, isServed, place.at('files'), currentDirectory),
    ...readSockets(sockets, place, currentDirectory),
    hooks: readHooks(hooks, place.at('hooks'), currentDirectory),
    verify: readVerify(verify, place.at('verify')),
  };
}

function readSockets(
  { sds, workloadApi }: { readonly sds?: unknown; readonly workloadApi?: unknown },
  place: Place,
  currentDirectory: string,
): Pick<DeliverConfig, 'sds' | 'workloadApi'> {
  const read = {
    sds: asksForSomething(sds) ? readSds(sds, place.at('sds'), currentDirectory) : undefined,
    workloadApi: asksForSomething(workloadApi)
      ? readWorkloadApi(workloadApi, place.at('workloadApi'), currentDirectory)
      : undefined,
  };
  if (read.sds !== undefined && read.workloadApi !== undefined) {
    checkSharing(read.sds, read.workloadApi, place.at('workloadApi'));
  }
  return read;
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
