import { type Client, type ClientReadableStream, Metadata } from '@grpc/grpc-js';
import { findService } from '../../src/grpc/proto.ts';
import { describeStatus } from './grpc-client.ts';

const definition = findService('SpiffeWorkloadAPI');

/** Calls a method of the Workload API with these values of the security header; no library of SPIFFE sends others. */
export function callWorkloadApi(
  client: Client,
  method: string,
  header: readonly string[] = ['true'],
): ClientReadableStream<object> {
  const found = definition[method];
  if (found === undefined) throw new RangeError(`there is no method ${method}`);
  const metadata = new Metadata();
  for (const value of header) metadata.add('workload.spiffe.io', value);
  const { path, requestSerialize, responseDeserialize } = found;
  // On the wire one answer is a stream of one.
  const call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, {}, metadata);
  call.on('error', () => undefined);
  return call as ClientReadableStream<object>;
}

/** `UNAVAILABLE: the agent is shutting down`, or `OK`. */
export function readEnd(call: ClientReadableStream<object>): Promise<string> {
  call.resume();
  return new Promise((resolve) => call.once('status', (status) => resolve(describeStatus(status))));
}
