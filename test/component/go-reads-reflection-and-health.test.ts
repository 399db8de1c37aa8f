import t from 'tap';
import { openGenerationMaker } from '../helpers/make-generation.ts';
import { askSpiffeClient } from '../helpers/spiffe-client.ts';
import { makeWorkloadApiBench } from '../helpers/workload-api-bench.ts';

t.test('reflection tells services and methods, without the security header', async (t) => {
  const bench = makeWorkloadApiBench(t);
  await bench.open();
  t.same(await askSpiffeClient(['services', `unix://${bench.path}`]), {
    event: 'services',
    services: {
      SpiffeWorkloadAPI: [
        ...['FetchX509SVID', 'FetchX509Bundles'],
        ...['FetchJWTSVID', 'FetchJWTBundles', 'ValidateJWTSVID', 'FetchWITSVID', 'FetchWITBundles'],
      ],
      'grpc.health.v1.Health': ['Check', 'List', 'Watch'],
      'grpc.reflection.v1.ServerReflection': ['ServerReflectionInfo'],
      'grpc.reflection.v1alpha.ServerReflection': ['ServerReflectionInfo'],
    },
  });
});

t.test('health follows the identity', async (t) => {
  const bench = makeWorkloadApiBench(t);
  const delivery = await bench.open();
  const check = async (...service: string[]) => {
    const { status, error } = await askSpiffeClient(['health', `unix://${bench.path}`, ...service]);
    return status ?? error;
  };
  const checkBoth = async () => [await check(), await check('SpiffeWorkloadAPI')];
  t.same(await checkBoth(), ['NOT_SERVING', 'NOT_SERVING']);
  await delivery.deliver(await (await openGenerationMaker()).make());
  t.same(await checkBoth(), ['SERVING', 'SERVING']);
  t.match(await check('other'), /NotFound.*there is no such service here/);
  await delivery.withdraw();
  t.same(await checkBoth(), ['NOT_SERVING', 'NOT_SERVING']);
});
