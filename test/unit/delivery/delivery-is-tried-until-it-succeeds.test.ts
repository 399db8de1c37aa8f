import t, { type Test } from 'tap';
import { runDelivery } from '../../../src/delivery/run-delivery.ts';
import { AgentError } from '../../../src/errors.ts';
import { IdentityStore } from '../../../src/store/identity-store.ts';
import { FakeClock } from '../../helpers/fake-clock.ts';
import { FakeDelivery, openRecordingObserver } from '../../helpers/fake-delivery.ts';
import { openGenerationMaker } from '../../helpers/make-generation.ts';
import { openRecordingLog } from '../../helpers/recording-log.ts';

const identity = await (await openGenerationMaker()).make();
const diskFull = new AgentError('ERR_DELIVERY', 'no space is left', { remedy: 'free some' });

function setUp(t: Test) {
  const store = new IdentityStore();
  const delivery = new FakeDelivery();
  const observer = openRecordingObserver();
  const clock = new FakeClock();
  const log = openRecordingLog();
  const stop = new AbortController();
  const retryDelayMs = (attempt: number) => 1000 * 2 ** attempt;
  const ended = runDelivery(delivery, store, { clock, log, observer, retryDelayMs }, stop.signal);
  t.teardown(() => stop.abort());
  return { store, delivery, observer, clock, log, stop, ended };
}

t.test('it is tried again with growing waits, and what was told is the truth', async (t) => {
  const { store, delivery, observer, clock, log } = setUp(t);
  delivery.failure = diskFull;
  store.publish(identity, 'ca-1');
  for (const delayMs of [1000, 2000, 4000]) {
    await clock.someoneSleeps();
    t.equal(clock.sleeps.at(-1), delayMs);
    if (delayMs === 4000) delivery.failure = undefined;
    const told = observer.next();
    clock.advance(delayMs);
    await told;
  }
  t.same(delivery.calls, [1, 1, 1, 1]);
  const failed = 'fake failed 1: no space is left; free some';
  t.same(observer.lines, [failed, failed, failed, 'fake delivered 1']);
  t.match(log.lines[0], /ERROR "?no space is left"? code=ERR_DELIVERY remedy="free some".*retryInSeconds=1$/m);
  t.match(log.lines[3], /INFO +certificate delivered delivery=fake generation=1/);
});

t.test('a wait is never longer than a minute, however long the back-off says', async (t) => {
  const { store, delivery, clock } = setUp(t);
  delivery.failure = diskFull;
  store.publish(identity, 'ca-1');
  for (let failures = 0; failures < 8; failures += 1) {
    await clock.someoneSleeps();
    clock.advance(clock.sleeps.at(-1) ?? 0);
  }
  await clock.someoneSleeps();
  t.equal(clock.sleeps.at(-1), 60_000);
});

t.test('something newer ends the wait at once, and the old one is tried no more', async (t) => {
  const { store, delivery, observer, clock } = setUp(t);
  delivery.failure = diskFull;
  store.publish(identity, 'ca-1');
  await clock.someoneSleeps();
  delivery.failure = undefined;
  const told = observer.next();
  store.publish(identity, 'ca-1');
  t.equal(await told, 'fake delivered 2');
  t.same(delivery.calls, [1, 2]);
});

t.test('one hand-over at a time, and then the newest, not those in between', async (t) => {
  const { store, delivery, observer } = setUp(t);
  let open = () => {};
  delivery.gate = new Promise((resolve) => {
    open = resolve;
  });
  store.publish(identity, 'ca-1');
  await new Promise(setImmediate);
  for (const _ of [2, 3, 4]) store.publish(identity, 'ca-1');
  await new Promise(setImmediate);
  t.same(delivery.calls, [1], 'nothing begins before the first has ended');
  open();
  while (observer.lines.at(-1) !== 'fake delivered 4') await observer.next();
  t.equal(delivery.calls.at(-1), 4);
  t.ok(delivery.calls.length <= 3, `${delivery.calls}`);
});

t.test('nothing yet is not withdrawn; an expired identity is, and that is tried again too', async (t) => {
  const { store, delivery, observer, clock } = setUp(t);
  await new Promise(setImmediate);
  t.same(delivery.calls, [], 'what an earlier run left stays');
  let told = observer.next();
  store.publish(identity, 'ca-1');
  await told;
  delivery.failure = diskFull;
  store.withdraw();
  await clock.someoneSleeps();
  delivery.failure = undefined;
  told = observer.next();
  clock.advance(1000);
  t.equal(await told, 'fake withdrawn');
  t.same(delivery.calls, [1, 'withdrawn', 'withdrawn']);
});

t.test('a mistake of ours ends nothing', async (t) => {
  const { store, delivery, observer, clock } = setUp(t);
  delivery.failure = new TypeError('undefined is not a function');
  store.publish(identity, 'ca-1');
  await clock.someoneSleeps();
  t.match(observer.lines, ['fake failed 1: unexpected: undefined is not a function']);
});

t.test('it ends when asked, also in the middle of a wait', async (t) => {
  const { store, delivery, clock, stop, ended } = setUp(t);
  delivery.failure = diskFull;
  store.publish(identity, 'ca-1');
  await clock.someoneSleeps();
  stop.abort();
  await t.resolves(ended);
});
