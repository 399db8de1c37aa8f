import t from 'tap';
import { watchExpiry } from '../../../src/rotation/watch-expiry.ts';
import { setUpRotation } from '../../helpers/rotation-bench.ts';

t.test('an identity goes out of service when it expires, even while an issue hangs', async (t) => {
  const bench = await setUpRotation({ ttlSeconds: 100, jitterUnit: 0 });
  await bench.start();
  const stop = new AbortController();
  const watching = watchExpiry(bench.store, bench, stop.signal);
  await bench.clock.someoneSleeps();
  bench.issuer.failures = [new Promise<never>(() => {})];
  for (let second = 0; second < 99; second += 1) {
    bench.clock.advance(1000);
    await new Promise(setImmediate);
  }
  t.equal(bench.store.current()?.number, 1, 'in service until its last second');
  bench.clock.advance(1000);
  await new Promise(setImmediate);
  t.equal(bench.store.current(), undefined);
  t.match(bench.log.lines.at(-1), /certificate expired/);
  stop.abort();
  await watching;
});

t.test('a successor takes over the watch', async (t) => {
  const bench = await setUpRotation({ ttlSeconds: 100, jitterUnit: 0 });
  await bench.start();
  const stop = new AbortController();
  const watching = watchExpiry(bench.store, bench, stop.signal);
  await bench.clock.someoneSleeps();
  bench.clock.advance(80_000);
  while (bench.rotated.length < 2) await new Promise(setImmediate);
  bench.clock.advance(30_000);
  await new Promise(setImmediate);
  t.equal(bench.store.current()?.number, 2, 'the end of the first one is no end of the second');
  stop.abort();
  await watching;
  await bench.end();
});
