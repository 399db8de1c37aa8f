import type { Place } from '../place.ts';
import type { Read } from '../read.ts';
import { isAbsent, isMapping, maybe, path } from '../schema.ts';
import { resolveSocketPath } from '../socket-path.ts';
import { numericId, octalMode } from './permissions.ts';

/** The keys of every delivery that answers on a Unix socket. */
export const GRPC_SOCKET = {
  socket: maybe(path),
  mode: maybe(octalMode),
  directoryMode: maybe(octalMode),
  group: maybe(numericId),
};

/** Where and for whom to listen; the fields of the same names of `SdsConfig` and `WorkloadApiConfig`. */
export interface GrpcSocketConfig {
  readonly socket: string;
  readonly mode: number;
  readonly directoryMode: number;
  readonly group?: number | undefined;
}

/**
 * Checks what was read of a socket and fills in the defaults; undefined without a usable path.
 *
 * @param value the mapping that it was read of.
 */
export function readGrpcSocket(
  { socket, mode = 0o660, directoryMode = 0o755, group }: Read<typeof GRPC_SOCKET>,
  value: unknown,
  place: Place,
  currentDirectory: string,
): GrpcSocketConfig | undefined {
  if (isMapping(value) && isAbsent(value.socket)) {
    place.at('socket').error('missing: expected the path of the Unix socket');
  }
  // To connect is to write (unix(7)).
  if ((mode & 0o002) !== 0) place.at('mode').warn('every user of this machine may get the private key');
  if (socket === undefined) return undefined;
  return { socket: resolveSocketPath(socket, place.at('socket'), currentDirectory), mode, directoryMode, group };
}

/** One socket has one mode and one group: reports where two deliveries that share it want different ones. */
export function checkSharing(first: GrpcSocketConfig, second: GrpcSocketConfig, secondPlace: Place): void {
  if (first.socket !== second.socket) return;
  for (const key of ['mode', 'directoryMode', 'group'] as const) {
    if (first[key] === second[key]) continue;
    secondPlace.at(key).error('two deliveries share this socket, and differ in this', 'write the same for both');
  }
}
