import type { WorkloadApiConfig } from '../../delivery/workload-api/config.ts';
import type { Place } from '../place.ts';
import { readMapping } from '../read.ts';
import { convert, expected, fail, maybe } from '../schema.ts';
import { GRPC_SOCKET, readGrpcSocket } from './grpc-socket.ts';

/** SPIFFE Workload API, section 5.2.1. */
const MAX_HINT_BYTES = 1024;

const hint = convert((input) => {
  if (typeof input !== 'string') return fail(expected('text', input));
  if (/\p{Cc}/u.test(input)) return fail('expected text without line breaks or control characters');
  const bytes = Buffer.byteLength(input);
  return bytes <= MAX_HINT_BYTES
    ? input
    : fail(`a hint has at most ${MAX_HINT_BYTES} bytes, and this one has ${bytes}`);
});

const WORKLOAD_API = { ...GRPC_SOCKET, hint: maybe(hint) };

/** Reads `deliver.workloadApi`, reporting every mistake; undefined without a usable socket. */
export function readWorkloadApi(value: unknown, place: Place, currentDirectory: string): WorkloadApiConfig | undefined {
  const { hint, ...socket } = readMapping(WORKLOAD_API, value, place);
  const listening = readGrpcSocket(socket, value, place, currentDirectory);
  return listening === undefined ? undefined : { ...listening, hint };
}
