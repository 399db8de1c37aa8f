import t from 'tap';
import { AgentError } from '../../../src/errors.ts';
import { TrustBundle } from '../../../src/trust/trust-bundle.ts';
import { openRootsWatch } from '../../../src/trust/watch-roots.ts';
import { FakeClock } from '../../helpers/fake-clock.ts';
import { FakeIssuer } from '../../helpers/fake-issuer.ts';
import { openRecordingLog } from '../../helpers/recording-log.ts';

const HOUR_MS = 3_600_000;

async function setUp() {
  const clock = new FakeClock();
  const trust = new TrustBundle();
  const log = openRecordingLog();
  const stop = new AbortController();
  const told: string[] = [];
  const roots = new Map<string, Buffer[] | AgentError>([
    ['a', [Buffer.from('A')]],
    ['b', [Buffer.from('B')]],
  ]);
  const issuer = await FakeIssuer.open(clock);
  const open = (name: string) => async () =>
    Object.assign(Object.create(issuer) as FakeIssuer, {
      readRoots: async () => {
        const found = roots.get(name) ?? [];
        if (found instanceof AgentError) throw found;
        return found;
      },
    });
  const watch = openRootsWatch(
    () => ['a', 'b'].map((name) => ({ name, isEnabled: name === 'a', lifetimeMs: HOUR_MS, open: open(name) })),
    {
      trust,
      clock,
      random: () => 0.5,
      log,
      changed: async () => void told.push('bundle'),
      caChanged: () => void told.push('CA'),
    },
  );
  const running = watch.run(stop.signal);
  await clock.someoneSleeps();
  return {
    clock,
    trust,
    log,
    roots,
    watch,
    told: () => told.splice(0),
    names: () => trust.certificates('a').map(String),
    /** Time passes until the next look, which is waited for. */
    async pass(ms: number): Promise<void> {
      for (let left = ms; left > 0; left -= 60_000) {
        clock.advance(Math.min(left, 60_000));
        await new Promise(setImmediate);
        await clock.someoneSleeps();
      }
    },
    async end(): Promise<void> {
      stop.abort();
      await running;
    },
  };
}

t.test('every five minutes, and at once when told to', async (t) => {
  const bench = await setUp();
  t.same(bench.names(), ['A', 'B']);
  bench.told();
  bench.roots.set('b', [Buffer.from('B2')]);
  await bench.pass(299_000);
  t.same(bench.names(), ['A', 'B']);
  await bench.pass(1_000);
  t.same(bench.names(), ['A', 'B', 'B2']);
  t.same(bench.told(), ['bundle'], 'the CA of another backend is no reason to rotate');
  bench.roots.set('b', [Buffer.from('B3')]);
  bench.watch.lookNow();
  await new Promise(setImmediate);
  await bench.clock.someoneSleeps();
  t.same(bench.names(), ['A', 'B', 'B2', 'B3']);
  await bench.end();
});

t.test('another CA behind the enabled backend is a reason to rotate, once', async (t) => {
  const bench = await setUp();
  bench.told();
  bench.roots.set('a', [Buffer.from('A2')]);
  await bench.pass(300_000);
  t.same(bench.told(), ['CA', 'bundle']);
  t.same(bench.names(), ['A', 'A2', 'B']);
  await bench.pass(300_000);
  t.same(bench.told(), ['bundle']);
  await bench.end();
});

t.test('an anchor that went away leaves when its time has come', async (t) => {
  const bench = await setUp();
  bench.trust.retire('b', 1_000, bench.clock.nowMs());
  bench.roots.set('b', []);
  bench.watch.lookNow();
  await new Promise(setImmediate);
  await bench.clock.someoneSleeps();
  t.same(bench.names(), ['A', 'B']);
  await bench.pass(1_000);
  t.same(bench.names(), ['A']);
  await bench.end();
});

t.test('a CA that was never seen is told once, one that was seen and is away is not', async (t) => {
  const bench = await setUp();
  const away = new AgentError('ERR_CA_UNREACHABLE', 'no answer', { remedy: 'start it' });
  bench.roots.set('b', away);
  await bench.pass(300_000);
  t.same(bench.log.lines, []);
  bench.trust.retire('b', 0, bench.clock.nowMs());
  bench.trust.forget(bench.clock.nowMs());
  await bench.pass(60_000);
  t.equal(bench.log.lines.length, 1);
  t.match(bench.log.lines[0], /WARN.*the trust bundle lacks it backend=b reason="no answer" remedy="start it"/);
  await bench.end();
});
