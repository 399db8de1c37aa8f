import type { ClientReadableStream } from '@grpc/grpc-js';
import type { Test } from 'tap';
import { findService } from '../../src/grpc/proto.ts';
import { type CallContext, serveStream } from '../../src/grpc/streams.ts';
import { type GrpcBench, openGrpcBench } from './grpc-bench.ts';

/** What a test sends: text, or a number of bytes. */
interface Bundles {
  readonly bundles: Readonly<Record<string, Uint8Array>>;
}

export type BundleStream = ClientReadableStream<Bundles>;

export interface ServedTexts extends GrpcBench {
  /** A call on a connection of its own. */
  call(): BundleStream;
  /** Makes calls on one connection. */
  openCall(): () => BundleStream;
}

const definition = findService('SpiffeWorkloadAPI');

/** A service with one method, FetchX509Bundles, that streams the texts of the handler. */
export async function serveTexts(
  t: Test,
  handle: (context: CallContext) => AsyncIterable<string>,
): Promise<ServedTexts> {
  async function* wrap(_: object, context: CallContext): AsyncGenerator<Bundles> {
    for await (const text of handle(context)) yield { bundles: { text: Buffer.from(text) } };
  }
  const bench = await openGrpcBench(t, [{ definition, handlers: { FetchX509Bundles: serveStream(wrap) } }]);
  const method = definition.FetchX509Bundles;
  if (method === undefined) throw new RangeError('the service has no such method');
  const { path, requestSerialize, responseDeserialize } = method;
  const openCall = () => {
    const client = bench.openClient();
    return (): BundleStream => client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, {});
  };
  return { ...bench, openCall, call: () => openCall()() };
}

export function readText({ bundles }: Bundles): string {
  return Buffer.from(bundles.text ?? []).toString();
}
