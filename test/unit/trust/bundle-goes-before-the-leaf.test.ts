import t from 'tap';
import { IdentityStore } from '../../../src/store/identity-store.ts';
import { openPublisher } from '../../../src/trust/publish.ts';
import { TrustBundle } from '../../../src/trust/trust-bundle.ts';
import { FakeClock } from '../../helpers/fake-clock.ts';
import { openGenerationMaker } from '../../helpers/make-generation.ts';
import { openRecordingLog } from '../../helpers/recording-log.ts';

async function setUp() {
  const clock = new FakeClock();
  const identities = new IdentityStore();
  const trust = new TrustBundle();
  const log = openRecordingLog();
  const delivered = Promise.withResolvers<void>();
  const awaited: number[] = [];
  const changed: number[] = [];
  const publisher = openPublisher({
    identities,
    trust,
    lifetimeMs: () => 3_600_000,
    waitUntilDelivered: (number) => {
      awaited.push(number);
      return delivered.promise;
    },
    bundleChanged: ({ number }) => void changed.push(number),
    clock,
    log,
  });
  const [a, b] = await Promise.all([openGenerationMaker(clock.nowMs()), openGenerationMaker(clock.nowMs())]);
  return { clock, identities, trust, log, delivered, awaited, changed, publisher, a, b };
}

t.test('a leaf under a new CA waits until everybody has the bundle that it needs', async (t) => {
  const { publisher, identities, delivered, awaited, changed, a, b, log } = await setUp();
  const old = await publisher.publish(await a.make(), 'a');
  t.equal(old.number, 1);
  t.same(changed, [], 'the first identity brings its bundle with it');

  const publishing = publisher.publish(await b.make(), 'b');
  await new Promise(setImmediate);
  const between = identities.current();
  t.equal(between?.number, 2);
  t.equal(between?.serialNumber, old.serialNumber, 'the certificate of before');
  t.same(between?.trustBundle, [a.root.der, b.root.der]);
  t.same([awaited, changed], [[2], [2]]);

  delivered.resolve();
  const next = await publishing;
  t.equal(next.number, 3);
  t.equal(next.backend, 'b');
  t.same(next.trustBundle, [b.root.der, a.root.der]);
  t.match(
    log.lines.find((line) => line.includes('WARN')),
    /the CA was changed before peers could know/,
    'no peer had time to learn of it',
  );
});

t.test('a delivery that fails holds a new certificate up for ten seconds only', async (t) => {
  const { publisher, clock, identities, a, b } = await setUp();
  await publisher.publish(await a.make(), 'a');
  const publishing = publisher.publish(await b.make(), 'b');
  await clock.someoneSleeps();
  clock.advance(9_999);
  t.equal(identities.current()?.backend, 'a');
  clock.advance(1);
  t.equal((await publishing).backend, 'b');
});

t.test('where the bundle is known already, the leaf goes at once and without a warning', async (t) => {
  const { publisher, clock, trust, log, awaited, delivered, a, b } = await setUp();
  delivered.resolve();
  await publisher.publish(await a.make(), 'a');
  trust.learn('b', [b.root.der], 3_600_000, clock.nowMs());
  t.equal((await publisher.publishBundle())?.number, 2);
  t.equal(await publisher.publishBundle(), undefined, 'nothing changed');
  clock.advance(120_000);
  t.equal((await publisher.publish(await b.make(), 'b')).number, 3);
  t.same(awaited, []);
  t.same(
    log.lines.filter((line) => line.includes('WARN')),
    [],
  );
});

t.test('without an identity there is no bundle to hand over', async (t) => {
  const { publisher, trust, a } = await setUp();
  trust.learn('a', [a.root.der], 1, 0);
  t.equal(await publisher.publishBundle(), undefined);
});
