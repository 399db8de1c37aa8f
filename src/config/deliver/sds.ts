import type { SdsConfig } from '../../delivery/sds/config.ts';
import type { Place } from '../place.ts';
import { readMapping } from '../read.ts';
import { choice, list, maybe, pattern, quote } from '../schema.ts';
import { GRPC_SOCKET, readGrpcSocket } from './grpc-socket.ts';

/** Names that mean something already. */
const RESERVED = ['default', 'ROOTCA', 'ALL', '*'];

/** SPIFFE IDs mean something, too. */
const secretName = pattern(/^(?!spiffe:)[\x21-\x7e]{1,255}$/, 'the name of a secret, without blanks and no SPIFFE ID');

const SDS = {
  ...GRPC_SOCKET,
  validator: maybe(choice(['trustedCa', 'spiffe'])),
  certificateNames: maybe(list(secretName)),
  bundleNames: maybe(list(secretName)),
};

/** Reads `deliver.sds`, reporting every mistake; undefined without a usable socket. */
export function readSds(value: unknown, place: Place, currentDirectory: string): SdsConfig | undefined {
  const read = readMapping(SDS, value, place);
  const { validator = 'trustedCa', certificateNames = [], bundleNames = [], ...socket } = read;
  const seen = new Set(RESERVED);
  for (const [key, names] of Object.entries({ certificateNames, bundleNames })) {
    names.forEach((name, index) => {
      if (seen.has(name)) place.at(key, index).error(`the name ${quote(name)} is taken already`, 'choose another');
      seen.add(name);
    });
  }
  const listening = readGrpcSocket(socket, value, place, currentDirectory);
  return listening === undefined ? undefined : { ...listening, validator, certificateNames, bundleNames };
}
