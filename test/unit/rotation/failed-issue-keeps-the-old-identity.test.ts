import t from 'tap';
import { setUpRotation, unreachable } from '../../helpers/rotation-bench.ts';

t.test('while the CA fails, the identity in service stays, and it is tried again until it works', async (t) => {
  const bench = await setUpRotation({ ttlSeconds: 3600, jitterUnit: 1 });
  await bench.start();
  const first = bench.store.current();
  bench.issuer.failures = Array.from({ length: 6 }, unreachable);
  await bench.pass(3600_000 * 0.82);
  t.equal(bench.failed.length, 1);
  t.equal(bench.store.current(), first);
  await bench.pass(500 + 1000 + 2000 + 4000 + 8000 + 16_000);
  t.equal(bench.failed.length, 6);
  t.equal(bench.rotated.length, 2);
  t.equal(bench.store.current()?.number, 2);
  await bench.end();
});

t.test('a bad certificate is refused and counted with its reason, and the old one stays', async (t) => {
  const bench = await setUpRotation({ ttlSeconds: 3600 });
  await bench.start();
  bench.issuer.failures = [{ uris: ['spiffe://default/somebody-else'] }];
  await bench.pass(3600_000 * 0.81);
  t.equal(bench.failed[0]?.error.reason, 'bad_certificate_spiffe_id');
  t.equal(bench.store.current()?.number, 1);
  await bench.end();
});

t.test('a life that is too short to be replaced in time is refused, a shorter one than asked is obeyed', async (t) => {
  for (const [ttlSeconds, leftMs, isTaken] of [
    [3600, 9_999, false],
    [3600, 10_001, true],
    [15, 7_499, false],
    [15, 7_501, true],
  ] as const) {
    const bench = await setUpRotation({ ttlSeconds });
    // Certificates have whole seconds.
    bench.clock.jump(1000 - (leftMs % 1000));
    bench.issuer.failures = [{ notAfter: new Date(bench.clock.nowMs() + leftMs) }];
    await bench.start();
    t.equal(bench.rotated.length, isTaken ? 1 : 0, `${leftMs} ms of ${ttlSeconds} s`);
    if (!isTaken)
      t.match(bench.failed[0]?.error, { reason: 'bad_certificate_validity', message: /lives for \d+\.\d s more/ });
    await bench.end();
  }
});

t.test('the life that is left is never spent on one wait', async (t) => {
  const bench = await setUpRotation({ ttlSeconds: 20, jitterUnit: 1 });
  await bench.start();
  bench.issuer.failures = Array.from({ length: 100 }, unreachable);
  await bench.pass(19_900);
  t.ok(bench.failed.length >= 8, `${bench.failed.length} tries in the last fifth`);
  await bench.end();
});

t.test('an expired identity without successor is tried for all the same', async (t) => {
  const bench = await setUpRotation({ ttlSeconds: 20, jitterUnit: 1 });
  bench.issuer.failures = Array.from({ length: 12 }, unreachable);
  await bench.start();
  t.equal(bench.store.current(), undefined);
  await bench.pass(600_000);
  t.ok(bench.rotated.length > 0);
  await bench.end();
});
