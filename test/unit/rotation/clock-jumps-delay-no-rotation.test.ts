import t from 'tap';
import { setUpRotation } from '../../helpers/rotation-bench.ts';

t.test('after a suspend the rotation happens within a minute of waking', async (t) => {
  const bench = await setUpRotation({ ttlSeconds: 86_400 });
  await bench.start();
  bench.clock.jump(20 * 3600_000);
  await bench.pass(60_000);
  t.equal(bench.rotated.length, 2);
  await bench.end();
});

t.test('a clock that is set back rotates nothing early and ends no wait', async (t) => {
  const bench = await setUpRotation({ ttlSeconds: 3600, jitterUnit: 0 });
  await bench.start();
  bench.clock.jump(-1800_000);
  await bench.pass(2880_000);
  t.equal(bench.rotated.length, 1);
  await bench.pass(1800_000);
  t.equal(bench.rotated.length, 2);
  await bench.end();
});
