import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { systemClock } from '../../../src/clock.ts';
import { openDeliveries } from '../../../src/delivery/open.ts';
import { findService } from '../../../src/grpc/proto.ts';
import { openCountingSdsObserver } from '../../helpers/counting-sds-observer.ts';
import { openGrpcClient } from '../../helpers/grpc-client.ts';
import { openGenerationMaker } from '../../helpers/make-generation.ts';
import { openRecordingLog } from '../../helpers/recording-log.ts';
import { fetchSecrets } from '../../helpers/sds-client.ts';
import { temporaryDirectory } from '../../helpers/temporary-directory.ts';
import { callWorkloadApi, readEnd } from '../../helpers/workload-api-client.ts';

const ca = await openGenerationMaker();

async function openBoth(t: Test, sockets: { sds: string; workloadApi: string }) {
  const modes = { mode: 0o600, directoryMode: 0o700 };
  const names = { validator: 'trustedCa', certificateNames: [], bundleNames: [] } as const;
  const deliver = {
    files: [],
    sds: { socket: sockets.sds, ...modes, ...names },
    workloadApi: { socket: sockets.workloadApi, ...modes },
    hooks: [],
    verify: [],
  };
  const deliveries = await openDeliveries(deliver, {
    clock: systemClock,
    log: openRecordingLog(),
    readSource: async () => '',
    uid: undefined,
    sds: openCountingSdsObserver(),
  });
  const all = async (act: (delivery: (typeof deliveries)[number]) => Promise<void>) => {
    await Promise.all(deliveries.map(act));
  };
  t.teardown(() => all((delivery) => delivery.close()));
  await all((delivery) => delivery.prepare());
  return { deliveries, all };
}

function checkHealth(t: Test, socket: string): Promise<number> {
  const method = findService('grpc.health.v1.Health').Check;
  if (method === undefined) throw new RangeError('there is no method Check');
  const { path, requestSerialize, responseDeserialize } = method;
  return new Promise((resolve, reject) => {
    openGrpcClient(t, socket).makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize as (bytes: Buffer) => { status: number },
      { service: '' },
      (error, response) => (error ? reject(error) : resolve(response?.status ?? 0)),
    );
  });
}

t.test('one server has both services, and closes once', async (t) => {
  const socket = join(temporaryDirectory(t), 'm.sock');
  const { deliveries, all } = await openBoth(t, { sds: socket, workloadApi: socket });
  t.same(
    deliveries.map(({ name }) => name),
    [`sds:${socket}`, `workload-api:${socket}`],
  );
  const generation = await ca.make();
  await deliveries[1]?.deliver(generation);
  t.equal(await checkHealth(t, socket), 2, 'one of two does not serve yet');
  await deliveries[0]?.deliver(generation);
  t.equal(await checkHealth(t, socket), 1);

  const client = openGrpcClient(t, socket);
  const stream = callWorkloadApi(client, 'FetchX509SVID');
  await once(stream, 'data');
  t.equal((await fetchSecrets(client, { resourceNames: ['default'] })).resources.length, 1);

  const end = readEnd(stream);
  await all((delivery) => delivery.close());
  t.match(await end, /^UNAVAILABLE: /);
  t.notOk(existsSync(socket));
});

t.test('on sockets of their own each knows nothing of the other', async (t) => {
  const directory = temporaryDirectory(t);
  const sockets = { sds: join(directory, 's.sock'), workloadApi: join(directory, 'w.sock') };
  const { deliveries } = await openBoth(t, sockets);
  await deliveries[1]?.deliver(await ca.make());
  t.equal(await checkHealth(t, sockets.workloadApi), 1);
  t.equal(await checkHealth(t, sockets.sds), 2);
  const end = readEnd(callWorkloadApi(openGrpcClient(t, sockets.sds), 'FetchX509SVID'));
  t.match(await end, /^UNIMPLEMENTED: /);
});
