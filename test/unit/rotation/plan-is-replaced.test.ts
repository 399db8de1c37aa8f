import t from 'tap';
import { SpiffeId } from '../../../src/identity/spiffe-id.ts';
import { setUpRotation, unreachable } from '../../helpers/rotation-bench.ts';

t.test('another identity is asked for at once', async (t) => {
  const bench = await setUpRotation();
  await bench.start();
  bench.rotation.follow({ ...bench.plan, spiffeId: new SpiffeId('default', '/api') });
  await new Promise(setImmediate);
  await bench.clock.someoneSleeps();
  await bench.pass(1);
  t.match(bench.rotated.at(-1), { reason: 'reconfigured', generation: { number: 2 } });
  t.equal(bench.store.current()?.spiffeId.toString(), 'spiffe://default/api');
  await bench.end();
});

t.test('an attempt that hangs is given up, and whoever waits gets what is asked for now', async (t) => {
  const bench = await setUpRotation({ standbys: 1 });
  await bench.start();
  bench.issuer.failures = [new Promise<never>(() => undefined)];
  const asked = bench.rotation.rotateNow('requested');
  await new Promise(setImmediate);
  bench.rotation.follow({ ...bench.plan, candidates: bench.plan.candidates.slice(1) });
  t.match(await asked, { backend: 'ca-2', number: 2 });
  t.same(bench.failed, [], 'to be given up is no failure');
  await bench.end();
});

t.test('without a CA nothing is issued, and with one again it goes on', async (t) => {
  const bench = await setUpRotation();
  await bench.start();
  bench.rotation.follow({ ...bench.plan, candidates: [] });
  await t.rejects(bench.rotation.rotateNow('requested'), { message: /mTLS is off/ });
  await bench.pass(3_600_000);
  t.equal(bench.issuer.requests.length, 1);
  bench.rotation.follow(bench.plan);
  await new Promise(setImmediate);
  await bench.pass(1);
  t.match(bench.rotated.at(-1), { reason: 'reconfigured' });
  await bench.end();
});

t.test('a new plan may be adopted without another certificate', async (t) => {
  const bench = await setUpRotation();
  await bench.start();
  bench.rotation.adopt({ ...bench.plan, spiffeId: new SpiffeId('default', '/api') });
  t.equal(bench.rotation.isFailing, false);
  await bench.pass(60_000);
  t.equal(bench.rotated.length, 1);
  bench.issuer.failures = [unreachable()];
  await t.rejects(bench.rotation.rotateNow('requested'));
  t.equal(bench.rotation.isFailing, true);
  await bench.rotation.rotateNow('requested');
  t.equal(bench.store.current()?.spiffeId.toString(), 'spiffe://default/api');
  await bench.end();
});
