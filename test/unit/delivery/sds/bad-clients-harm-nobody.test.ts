import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Client, StatusObject } from '@grpc/grpc-js';
import t, { type Test } from 'tap';
import { SDS_SERVICE } from '../../../../src/delivery/sds/sds.ts';
import { eventually } from '../../../helpers/eventually.ts';
import { describeStatus } from '../../../helpers/grpc-client.ts';
import { openGenerationMaker } from '../../../helpers/make-generation.ts';
import { makeSdsBench, type SdsBench } from '../../../helpers/sds-bench.ts';
import { fetchSecrets, readSecret, streamDeltaSecrets, streamSecrets } from '../../../helpers/sds-client.ts';

const maker = await openGenerationMaker();

/** A bench with a generation and a good client, which must notice nothing. */
async function openBench(t: Test) {
  const bench = makeSdsBench(t);
  const delivery = await bench.open();
  await delivery.deliver(await maker.make());
  const good = streamSecrets(bench.openClient());
  good.send({ resourceNames: ['default'] });
  const first = await good.next();
  good.send({ resourceNames: ['default'], responseNonce: first.nonce, versionInfo: first.versionInfo } as object);
  return {
    ...bench,
    delivery,
    async expectOthersUnaffected(t: Test) {
      const next = await maker.make();
      await delivery.deliver(next);
      await eventually('another client gets the next generation', async () => {
        const [resource] = (await good.next()).resources;
        return resource !== undefined && readSerial(resource) === next.serialNumber;
      });
      t.same(good.unread, []);
      good.cancel();
      await eventually('no stream is left', () => bench.counts.streams === 0);
    },
  };
}

function readSerial(resource: { readonly value: Buffer }): string {
  return new X509Certificate(readSecret(resource).certificateChain ?? '').serialNumber;
}

const manyNames = Array.from({ length: 10_000 }, (_, index) => `name-${index}`);

t.test('10,000 names end the stream that asks for them', async (t) => {
  const { openClient, expectOthersUnaffected } = await openBench(t);
  const stream = streamSecrets(openClient());
  stream.send({ resourceNames: manyNames });
  t.match(describeStatus(await stream.status), /^RESOURCE_EXHAUSTED: more than 256 resource names on one stream$/);
  const slowly = streamDeltaSecrets(openClient());
  for (let at = 0; at < 10_000; at += 100) slowly.send({ resourceNamesSubscribe: manyNames.slice(at, at + 100) });
  t.match(describeStatus(await slowly.status), /^RESOURCE_EXHAUSTED: more than 256/);
  await t.rejects(fetchSecrets(openClient(), { resourceNames: manyNames }), { message: /more than 256/ });
  await expectOthersUnaffected(t);
});

t.test('a request beyond 1 MiB is not taken in', async (t) => {
  const { openClient, expectOthersUnaffected } = await openBench(t);
  const stream = streamSecrets(openClient());
  stream.send({ resourceNames: ['x'.repeat(2_000_000)] });
  t.match(describeStatus(await stream.status), /^RESOURCE_EXHAUSTED: /);
  await expectOthersUnaffected(t);
});

t.test('another kind of resource is refused', async (t) => {
  const { openClient, expectOthersUnaffected } = await openBench(t);
  const expected = /^INVALID_ARGUMENT: unknown type URL; this service has type\.googleapis\.com\/envoy.*\.Secret$/;
  for (const open of [streamSecrets, streamDeltaSecrets]) {
    const stream = open(openClient());
    stream.send({ typeUrl: 'type.googleapis.com/envoy.config.listener.v3.Listener' });
    t.match(describeStatus(await stream.status), expected);
  }
  await expectOthersUnaffected(t);
});

/** A stream whose messages are these bytes. */
function sendBytes(client: Client, bytes: Buffer) {
  const call = client.makeBidiStreamRequest(`/${SDS_SERVICE}/StreamSecrets`, (b: Buffer) => b, Buffer.from);
  call.on('error', () => undefined);
  call.write(bytes);
  return new Promise<StatusObject>((resolve) => call.once('status', resolve));
}

t.test('bytes that are no request have a status', async (t) => {
  const { openClient, expectOthersUnaffected } = await openBench(t);
  for (const bytes of [Buffer.from([0xff]), Buffer.from([0x12, 0x7f, 0x01]), Buffer.alloc(1000, 0xfb)]) {
    const status = await sendBytes(openClient(), bytes);
    t.match(describeStatus(status), /^INTERNAL: /);
  }
  await expectOthersUnaffected(t);
});

t.test('bytes that are no HTTP/2 end their connection', async (t) => {
  const { path, expectOthersUnaffected } = await openBench(t);
  for (const bytes of [
    'GET / HTTP/1.1\r\nhost: x\r\n\r\n',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\ngarbage and more garbage',
    '\0\0',
  ]) {
    const connection = connect(path);
    connection.on('error', () => undefined).resume();
    connection.end(bytes);
    await once(connection, 'close');
  }
  await expectOthersUnaffected(t);
});

t.test('streams that are opened and dropped leave nothing', async (t) => {
  const { openClient, counts, expectOthersUnaffected } = await openBench(t);
  const client = openClient();
  for (let round = 0; round < 20; round += 1) {
    const streams = Array.from({ length: 50 }, () => streamSecrets(client));
    for (const stream of streams) stream.send({ resourceNames: ['default', 'not-there'] });
    // In the same turn this client would not tell the server that it cancels.
    await (round % 2 === 0 ? Promise.all(streams.map((stream) => stream.next())) : nextTurn());
    for (const stream of streams) stream.cancel();
  }
  await eventually('they are gone', () => counts.streams === 1);
  await expectOthersUnaffected(t);
});

t.test('a flood of requests from a client that does not read is answered once it does', async (t) => {
  const { openClient, delivery, expectOthersUnaffected } = await openBench(t);
  const stream = streamDeltaSecrets(openClient());
  stream.call.pause();
  for (let asked = 0; asked < 2_000; asked += 1) stream.send({ resourceNamesSubscribe: ['default'] });
  const newest = await maker.make();
  await delivery.deliver(newest);
  stream.call.resume();
  await eventually('it has the newest', () => {
    const last = stream.unread.at(-1)?.resources[0];
    return last !== undefined && readSerial(last.resource) === newest.serialNumber;
  });
  t.ok(stream.unread.length < 2_000, `${stream.unread.length} responses to 2000 requests`);
  stream.cancel();
  await expectOthersUnaffected(t);
});

t.test('rejections are told on one line each, counted, and do not fill the log', async (t) => {
  const { openClient, counts, log, expectOthersUnaffected } = await openBench(t);
  const client = openClient();
  for (let round = 0; round < 30; round += 1) {
    const stream = streamSecrets(client);
    stream.send({ resourceNames: ['default'] });
    const { nonce } = await stream.next();
    const message = `bad\nkey\u001b[31m ${'x'.repeat(5000)}`;
    for (let again = 0; again < 5; again += 1) {
      stream.send({ resourceNames: ['default'], responseNonce: nonce, errorDetail: { message } });
    }
    await eventually('it is counted', () => counts.rejections === round + 1);
    t.same(stream.unread, [], 'a rejection is not answered');
    stream.cancel();
  }
  const lines = log.filter((line) => line.includes('a client rejected its secrets'));
  t.equal(lines.length, 10);
  t.match(lines[0], /reason="bad key \[31m x+\.\.\."/);
  t.ok(lines.every((line) => line.length < 500 && line.trimEnd().split('\n').length === 1));
  await expectOthersUnaffected(t);
});

t.test('who asks before there is anything waits; a single question is told to come again', async (t) => {
  const bench: SdsBench = makeSdsBench(t);
  const delivery = await bench.open();
  const client = bench.openClient();
  const stream = streamSecrets(client);
  stream.send({ resourceNames: ['default'] });
  await t.rejects(fetchSecrets(client, { resourceNames: ['default'] }), { message: /no certificate in service/ });
  await delivery.deliver(await maker.make());
  t.equal((await stream.next()).resources.length, 1);
  await t.rejects(fetchSecrets(client, { resourceNames: ['other'] }), { message: /unknown/ });
  await delivery.withdraw();
  await t.rejects(fetchSecrets(client, { resourceNames: ['default'] }), { message: /no certificate in service/ });
  stream.cancel();
});
