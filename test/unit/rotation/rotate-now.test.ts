import t from 'tap';
import { setUpRotation, unreachable } from '../../helpers/rotation-bench.ts';

t.test('a request rotates at once and gets the new generation', async (t) => {
  const bench = await setUpRotation();
  await bench.start();
  const generation = await bench.rotation.rotateNow('requested');
  t.equal(generation.number, 2);
  t.equal(bench.rotated.at(-1)?.reason, 'requested');
  await bench.end();
});

t.test('a request cuts a back-off short, and is told why it failed', async (t) => {
  const bench = await setUpRotation();
  bench.issuer.failures = [unreachable(), unreachable()];
  await bench.start();
  await t.rejects(bench.rotation.rotateNow('requested'), { code: 'ERR_CA_UNREACHABLE' });
  t.equal((await bench.rotation.rotateNow('signal')).number, 1);
  await bench.end();
});

t.test('requests that come together are answered by one certificate', async (t) => {
  const bench = await setUpRotation();
  await bench.start();
  const answers = await Promise.all([1, 2, 3].map(() => bench.rotation.rotateNow('requested')));
  t.same(
    answers.map(({ number }) => number),
    [2, 2, 2],
  );
  t.equal(bench.issuer.requests.length, 2);
  await bench.end();
});

t.test('when the agent stops, whoever waits is told', async (t) => {
  const bench = await setUpRotation();
  await bench.start();
  bench.stop.abort();
  await t.rejects(bench.rotation.rotateNow('requested'), { code: 'ERR_AGENT' });
});
