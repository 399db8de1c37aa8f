import { once } from 'node:events';
import t from 'tap';
import { findService } from '../../../src/grpc/proto.ts';
import { statusError } from '../../../src/grpc/status.ts';
import { type BundleStream, readText, serveTexts } from '../../helpers/bundle-stream.ts';
import { eventually } from '../../helpers/eventually.ts';
import { openGrpcBench } from '../../helpers/grpc-bench.ts';
import { describeStatus } from '../../helpers/grpc-client.ts';

const ignore = () => undefined;

async function readStatus(call: BundleStream): Promise<string> {
  call.resume();
  const [error] = await once(call, 'error');
  return describeStatus(error);
}

t.test('what is yielded arrives in its order, and the end is OK', async (t) => {
  const { call } = await serveTexts(t, async function* () {
    yield 'one';
    yield 'two';
  });
  t.same((await call().toArray()).map(readText), ['one', 'two']);
});

t.test('what is thrown for the client is its status', async (t) => {
  const { call } = await serveTexts(t, async function* () {
    yield 'one';
    throw statusError('permissionDenied', 'no identity');
  });
  t.equal(await readStatus(call()), 'PERMISSION_DENIED: no identity');
});

t.test('what else goes wrong is not shown', async (t) => {
  const { call } = await serveTexts(t, async function* () {
    yield 'one';
    throw new Error('the key is 42');
  });
  t.equal(await readStatus(call()), 'INTERNAL: internal error');
});

t.test('the signal is aborted when the client has gone', async (t) => {
  const gone = Promise.withResolvers<void>();
  const { call } = await serveTexts(t, async function* ({ signal }) {
    yield 'one';
    await once(signal, 'abort');
    gone.resolve();
  });
  const stream = call();
  stream.on('error', () => undefined);
  await once(stream, 'data');
  stream.cancel();
  await gone.promise;
});

t.test('a server that ends tells UNAVAILABLE, never OK, and is not held up', async (t) => {
  const { call, socket } = await serveTexts(t, async function* ({ signal }) {
    yield 'one';
    await once(signal, 'abort');
  });
  const streams = [call(), call()];
  await Promise.all(streams.map((stream) => once(stream, 'data')));
  const statuses = Promise.all(streams.map(readStatus));
  await socket.close();
  t.same(await statuses, Array(2).fill('UNAVAILABLE: the agent is shutting down'));
});

t.test('what nobody serves is UNIMPLEMENTED', async (t) => {
  const { openClient } = await openGrpcBench(t, []);
  const method = findService('SpiffeWorkloadAPI').FetchWITSVID;
  if (method === undefined) throw new Error('no such method');
  const { path, requestSerialize, responseDeserialize } = method;
  const stream = openClient().makeServerStreamRequest(path, requestSerialize, responseDeserialize, {});
  stream.resume();
  const [error] = await once(stream, 'error');
  t.match(describeStatus(error), /^UNIMPLEMENTED: /);
});

t.test('streams beyond 2048 are refused, and there is room again when others end', async (t) => {
  const { openCall } = await serveTexts(t, async function* ({ signal }) {
    yield 'one';
    await once(signal, 'abort');
  });
  const streams: BundleStream[] = [];
  for (let connection = 0; connection < 4; connection += 1) {
    const call = openCall();
    const opened = Array.from({ length: 512 }, call);
    await Promise.all(
      opened.map((stream) =>
        once(
          stream.on('error', () => undefined),
          'data',
        ),
      ),
    );
    streams.push(...opened);
  }
  const call = openCall();
  t.equal(await readStatus(call()), 'RESOURCE_EXHAUSTED: 2048 streams are open already');
  streams[0]?.cancel();
  await eventually('one more is served', async () => (await once(call().on('error', ignore), 'data')).length === 1);
});
