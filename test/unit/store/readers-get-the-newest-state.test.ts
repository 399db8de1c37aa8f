import t from 'tap';
import { setUpRotation } from '../../helpers/rotation-bench.ts';

t.test('a reader gets the present state first, then each change; a slow one skips to the newest', async (t) => {
  const bench = await setUpRotation();
  const stop = new AbortController();
  const reader = bench.store.changes(stop.signal);
  t.equal((await reader.next()).value, undefined, 'none yet');
  await bench.start();
  t.equal((await reader.next()).value?.number, 1);
  await bench.rotation.rotateNow('requested');
  await bench.rotation.rotateNow('requested');
  t.equal((await reader.next()).value?.number, 3, 'the second was missed');
  const pending = reader.next();
  bench.store.withdraw();
  t.equal((await pending).value, undefined, 'withdrawn');
  const last = reader.next();
  stop.abort();
  t.same(await last, { done: true, value: undefined });
  await bench.end();
});

t.test('numbers go on after a withdrawal', async (t) => {
  const bench = await setUpRotation();
  await bench.start();
  bench.store.withdraw();
  t.equal((await bench.rotation.rotateNow('requested')).number, 2);
  t.ok(Object.isFrozen(bench.store.current()));
  await bench.end();
});
