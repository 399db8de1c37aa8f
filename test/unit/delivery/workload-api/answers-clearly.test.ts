import { once } from 'node:events';
import t from 'tap';
import { openGrpcClient } from '../../../helpers/grpc-client.ts';
import { openGenerationMaker } from '../../../helpers/make-generation.ts';
import { makeWorkloadApiBench } from '../../../helpers/workload-api-bench.ts';
import { callWorkloadApi, readEnd } from '../../../helpers/workload-api-client.ts';

const METHODS = [
  ['FetchX509SVID', 'UNAVAILABLE: there is no X509-SVID yet: the CA has not issued one'],
  ['FetchX509Bundles', 'UNAVAILABLE: there is no X509-SVID yet: the CA has not issued one'],
  ...['FetchJWTSVID', 'FetchJWTBundles', 'ValidateJWTSVID', 'FetchWITSVID', 'FetchWITBundles'].map((method) => [
    method,
    'UNIMPLEMENTED: meshcert has X.509-SVIDs only: the JWT-SVID and WIT-SVID profiles are not offered',
  ]),
] as [string, string][];

for (const [method, beforeTheFirst] of METHODS) {
  t.test(method, async (t) => {
    const bench = makeWorkloadApiBench(t);
    const delivery = await bench.open();
    const client = openGrpcClient(t, bench.path);
    const end = (header: string[]) => readEnd(callWorkloadApi(client, method, header));
    const remedy = 'send the metadata "workload.spiffe.io: true", once';
    t.equal(await end(['true']), beforeTheFirst);
    t.equal(await end([]), `INVALID_ARGUMENT: security header is missing: ${remedy}`);
    for (const header of [['True'], ['1'], [''], ['false'], ['true ', 'x'], ['true', 'true']]) {
      t.match(await end(header), /^INVALID_ARGUMENT: security header (is not "true"|stands there 2 times): send/);
    }
    await delivery.deliver(await (await openGenerationMaker()).make());
    t.match(await end([]), 'INVALID_ARGUMENT', 'nor is there anything to get without it later');
  });
}

t.test('a stream is never ended with OK: not by expiry, not by the end of the agent', async (t) => {
  const bench = makeWorkloadApiBench(t);
  const delivery = await bench.open();
  const client = openGrpcClient(t, bench.path);
  const ca = await openGenerationMaker();
  for (const [end, status] of [
    [() => delivery.withdraw(), 'UNAVAILABLE: the X509-SVID has expired, and the CA has not issued another'],
    [() => delivery.close(), 'UNAVAILABLE: the agent is shutting down'],
  ] as const) {
    await delivery.deliver(await ca.make());
    const calls = ['FetchX509SVID', 'FetchX509Bundles'].map((method) => callWorkloadApi(client, method));
    await Promise.all(calls.map((call) => once(call, 'data')));
    const ends = Promise.all(calls.map(readEnd));
    await end();
    t.same(await ends, [status, status]);
  }
});

t.test('where the socket is, is told once, as clients want to have it', async (t) => {
  const bench = makeWorkloadApiBench(t);
  const delivery = await bench.open();
  const ca = await openGenerationMaker();
  t.same(bench.log, []);
  await delivery.deliver(await ca.make());
  await delivery.deliver(await ca.make());
  t.equal(bench.log.length, 1);
  t.match(bench.log[0], `SPIFFE_ENDPOINT_SOCKET=unix://${bench.path}`);
});

t.test('garbage ends the call or the connection that it came by, and no other', async (t) => {
  const bench = makeWorkloadApiBench(t);
  const delivery = await bench.open();
  const ca = await openGenerationMaker();
  await delivery.deliver(await ca.make());
  const client = openGrpcClient(t, bench.path);
  const watching = callWorkloadApi(client, 'FetchX509SVID');
  await once(watching, 'data');

  const { connect } = await import('node:net');
  const raw = connect(bench.path);
  raw.on('error', () => undefined);
  raw.end('GET / HTTP/1.1\r\n\r\n');
  raw.resume();
  await once(raw, 'close');
  const garbage = client.makeServerStreamRequest(
    '/SpiffeWorkloadAPI/FetchX509SVID',
    () => Buffer.from([0xff, 0xff, 0xff]),
    (bytes) => bytes,
    {},
  );
  garbage.on('error', () => undefined);
  t.match(await readEnd(garbage), /^INTERNAL: /);

  const next = once(watching, 'data');
  await delivery.deliver(await ca.make());
  t.ok(await next, 'who watched gets the next state');
});

t.test('streams that are opened and dropped in a loop leave nothing behind, and others go on', async (t) => {
  const bench = makeWorkloadApiBench(t);
  const delivery = await bench.open();
  const ca = await openGenerationMaker();
  await delivery.deliver(await ca.make());
  const client = openGrpcClient(t, bench.path);
  const watching = callWorkloadApi(client, 'FetchX509SVID');
  await once(watching, 'data');
  for (let round = 0; round < 10; round += 1) {
    const calls = Array.from({ length: 100 }, () => callWorkloadApi(client, 'FetchX509SVID'));
    await Promise.all(calls.slice(0, 50).map((call) => new Promise((resolve) => call.once('data', resolve))));
    const ends = Promise.all(calls.map(readEnd));
    for (const call of calls) call.cancel();
    t.ok((await ends).every((end) => end.startsWith('CANCELLED')));
  }
  const next = once(watching, 'data');
  await delivery.deliver(await ca.make());
  t.ok(await next);
});
