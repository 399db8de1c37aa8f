import t from 'tap';
import { TrustBundle } from '../../../src/trust/trust-bundle.ts';

const HOUR_MS = 3_600_000;
const ca = (name: string) => Buffer.from(name);
const names = (bundle: TrustBundle, first?: string) => bundle.certificates(first).map(String);

t.test('the CAs of all backends, those of the one in use first, none twice', async (t) => {
  const bundle = new TrustBundle();
  bundle.learn('a', [ca('A'), ca('shared')], HOUR_MS, 0);
  bundle.learn('b', [ca('B'), ca('shared')], HOUR_MS, 0);
  t.same(names(bundle, 'b'), ['B', 'shared', 'A']);
  bundle.learn('b', [ca('B'), ca('shared')], HOUR_MS, 5);
  t.same(names(bundle, 'a'), ['A', 'shared', 'B']);
  t.equal(bundle.knownSinceMs(ca('B')), 0);
  t.equal(bundle.knownSinceMs(ca('C')), undefined);
});

t.test('a CA that went away stays until the last leaf under it has expired', async (t) => {
  const bundle = new TrustBundle();
  bundle.learn('a', [ca('old')], HOUR_MS, 0);
  bundle.learn('a', [ca('new')], HOUR_MS, 1000);
  bundle.learn('a', [ca('new')], HOUR_MS, 2000);
  t.equal(bundle.nextLeaveMs(), 1000 + HOUR_MS, 'later looks do not prolong it');
  bundle.forget(HOUR_MS);
  t.same(names(bundle), ['old', 'new']);
  bundle.forget(1000 + HOUR_MS);
  t.same(names(bundle), ['new']);
  t.equal(bundle.nextLeaveMs(), undefined);
});

t.test('a backend that is removed keeps its CA that long, and one that comes back stays', async (t) => {
  const bundle = new TrustBundle();
  bundle.learn('a', [ca('A')], HOUR_MS, 0);
  bundle.learn('b', [ca('B')], HOUR_MS, 0);
  bundle.retire('a', HOUR_MS, 1000);
  bundle.retire('b', HOUR_MS, 1000);
  bundle.learn('b', [ca('B')], HOUR_MS, 2000);
  bundle.forget(2 * HOUR_MS);
  t.same(names(bundle), ['B']);
});
