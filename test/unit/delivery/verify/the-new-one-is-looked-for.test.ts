import t, { type Test } from 'tap';
import type { Look } from '../../../../src/delivery/verify/serial-numbers.ts';
import { watchServed } from '../../../../src/delivery/verify/watch-served.ts';
import type { Generation } from '../../../../src/identity/identity.ts';
import { openStateStream } from '../../../../src/store/state-stream.ts';
import { FakeClock } from '../../../helpers/fake-clock.ts';
import { openGenerationMaker } from '../../../helpers/make-generation.ts';
import { openRecordingLog } from '../../../helpers/recording-log.ts';

const { make } = await openGenerationMaker();
const [first, second] = [await make({ number: 1 }), await make({ number: 2 })];

/** A watch of a target whose certificate the test changes. */
function setUp(t: Test) {
  const clock = new FakeClock();
  const log = openRecordingLog();
  const source = openStateStream<Generation | undefined>(undefined);
  const stop = new AbortController();
  const told: string[] = [];
  const target = { name: 'tls:web:1', withinMs: 1_000, looks: 0, found: { serialNumbers: ['AA'] } as Look };
  const observer = {
    served: ({
      target: name,
      generation: { number },
      seconds,
    }: {
      target: string;
      generation: Generation;
      seconds: number;
    }) => told.push(`${name} serves ${number} after ${seconds}`),
    late: ({ error, retryAtMs }: { error: { line: string }; retryAtMs: number }) =>
      told.push(`${error.line}; again after ${(retryAtMs - clock.nowMs()) / 1000}`),
  };
  const look = async () => {
    target.looks += 1;
    return target.found;
  };
  const ended = watchServed({ ...target, look }, source, { clock, log, observer }, stop.signal);
  t.teardown(() => stop.abort());
  /** Time passes until so much of it is over, sleep by sleep. */
  const pass = async (ms: number) => {
    const endMs = clock.monotonicMs() + ms;
    for (;;) {
      await clock.someoneSleeps();
      const nextMs = Math.min(clock.sleeps.at(-1) ?? 0, endMs - clock.monotonicMs());
      if (nextMs <= 0) return;
      clock.advance(nextMs);
      await new Promise(setImmediate);
    }
  };
  return { clock, log, source, stop, told, target, ended, pass };
}

const settle = () => new Promise(setImmediate);

t.test('it is told once it is served, with how long that took, and then nobody looks', async (t) => {
  const { source, told, target, pass, clock, log } = setUp(t);
  await settle();
  t.equal(target.looks, 0, 'nothing is delivered yet');
  source.change(first);
  await pass(70);
  t.same(told, []);
  target.found = { serialNumbers: ['AA', first.serialNumber.toLowerCase()] };
  clock.advance(clock.sleeps.at(-1) ?? 0);
  await settle();
  t.same(told, ['tls:web:1 serves 1 after 0.15']);
  t.match(log.lines, [/INFO +certificate served target=tls:web:1 generation=1 seconds=0\.15/]);
  const { looks } = target;
  clock.advance(60_000);
  await settle();
  t.equal(target.looks, looks);
});

t.test('one that is late is warned of once, looked for on and on, and found', async (t) => {
  const { source, told, target, pass, log, clock } = setUp(t);
  source.change(first);
  await pass(1_000);
  const why = `tls:web:1: generation 1 (${first.serialNumber}) is not served within 1 s: it serves AA`;
  t.same(told, [`${why}; see that its program reads the files again, or tell it to by deliver.hooks; again after 2`]);
  t.match(log.lines, [/WARN +"?tls:web:1: generation 1/]);
  await pass(300_000);
  t.equal(told.length, 1, 'once');
  target.found = { serialNumbers: [first.serialNumber] };
  clock.advance(60_000);
  await settle();
  t.match(told[1], /^tls:web:1 serves 1 after 3\d\d/);
});

t.test('trouble on the way is no end, and is the reason when the limit is over', async (t) => {
  const { source, told, target, pass } = setUp(t);
  target.found = { serialNumbers: [], trouble: 'connection refused' };
  source.change(first);
  await pass(1_000);
  t.match(told[0], 'is not served within 1 s: connection refused;');
});

t.test('a newer generation ends the search for the old one', async (t) => {
  const { source, told, target, pass, clock } = setUp(t);
  source.change(first);
  await pass(5_000);
  t.equal(told.length, 1);
  source.change(second);
  await settle();
  target.found = { serialNumbers: [second.serialNumber] };
  clock.advance(clock.sleeps.at(-1) ?? 0);
  await settle();
  t.equal(told[1], 'tls:web:1 serves 2 after 0.01');
  t.equal(told.length, 2);
});

t.test('it ends when asked, also in the middle of a wait', async (t) => {
  const { source, stop, ended, clock } = setUp(t);
  source.change(first);
  await clock.someoneSleeps();
  stop.abort();
  await t.resolves(ended);
});
