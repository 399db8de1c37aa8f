import t from 'tap';
import { setUpRotation } from '../../helpers/rotation-bench.ts';

t.test('each certificate is replaced at 4/5 of its life plus its jitter, for ever', async (t) => {
  const bench = await setUpRotation({ ttlSeconds: 3600, jitterUnit: 0.5 });
  await bench.start();
  t.equal(bench.rotated.length, 1);
  t.equal(bench.rotated[0]?.reason, 'start');
  for (let number = 2; number <= 5; number += 1) {
    await bench.pass(3600_000 * 0.81 - 1);
    t.equal(bench.rotated.length, number - 1, 'not a millisecond before');
    await bench.pass(1);
    t.equal(bench.rotated.length, number);
    t.equal(bench.rotated.at(-1)?.reason, 'due');
    t.equal(bench.store.current()?.number, number);
  }
  const keys = bench.rotated.map(({ generation }) => generation.privateKey.export({ format: 'jwk' }).d);
  t.equal(new Set(keys).size, 5, 'each with a key of its own');
  await bench.end();
});

t.test('a life of a year is waited for in steps of a minute', async (t) => {
  const bench = await setUpRotation({ ttlSeconds: 365 * 86_400 });
  await bench.start();
  await bench.pass(86_400_000);
  t.equal(bench.rotated.length, 1);
  t.ok(bench.clock.sleeps.every((ms) => ms <= 60_000));
  t.ok(bench.ticks() >= 1440);
  await bench.end();
});
