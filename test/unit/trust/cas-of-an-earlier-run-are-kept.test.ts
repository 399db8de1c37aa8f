import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { openAnchorsKeeper } from '../../../src/trust/keep-anchors.ts';
import { TrustBundle } from '../../../src/trust/trust-bundle.ts';
import { FakeClock } from '../../helpers/fake-clock.ts';
import { openRecordingLog } from '../../helpers/recording-log.ts';
import { temporaryDirectory } from '../../helpers/temporary-directory.ts';
import { inForce, TestCa } from '../../helpers/test-ca.ts';

const HOUR_MS = 3_600_000;
const FILE = '..trust.json';
const old = await TestCa.makeRoot('old', inForce());
const next = await TestCa.makeRoot('next', inForce());

function setUp(t: Test) {
  const directory = temporaryDirectory(t);
  const clock = new FakeClock();
  /** A run of an agent whose Mesh has these backends. */
  const start = (backends: readonly string[], options: { trustDomain?: string; directory?: string | null } = {}) => {
    const trust = new TrustBundle();
    const log = openRecordingLog();
    const keeper = openAnchorsKeeper({
      trust,
      directory: () => (options.directory === null ? undefined : (options.directory ?? directory)),
      trustDomain: () => options.trustDomain ?? 'default',
      lifetimeMs: (backend) => (backends.includes(backend) ? HOUR_MS : 0),
      isConfigured: (backend) => backends.includes(backend),
      clock,
      log,
    });
    return { trust, log, keeper, bundle: () => trust.certificates() };
  };
  /** A run that has known both CAs, and is gone. */
  const runBoth = async () => {
    const run = start(['a', 'b']);
    run.trust.learn('a', [old.der], HOUR_MS, clock.nowMs());
    run.trust.learn('b', [next.der], HOUR_MS, clock.nowMs());
    run.keeper.save();
    t.same(run.log.lines, []);
  };
  return { directory, path: join(directory, FILE), clock, start, runBoth };
}

t.test('a backend that went away while nobody ran keeps its CA for as long as its leaves may live', async (t) => {
  const { clock, start, runBoth } = setUp(t);
  await runBoth();
  const second = start(['b']);
  second.keeper.restore();
  t.same(second.bundle(), [old.der, next.der]);
  t.equal(second.trust.nextLeaveMs(), clock.nowMs() + HOUR_MS);
  const leavesAtMs = clock.nowMs() + HOUR_MS;
  second.keeper.save();

  clock.advance(HOUR_MS / 2);
  const third = start(['b']);
  third.keeper.restore();
  t.equal(third.trust.nextLeaveMs(), leavesAtMs, 'a further start does not prolong it');
  third.keeper.save();

  clock.advance(HOUR_MS / 2);
  const fourth = start(['b']);
  fourth.keeper.restore();
  t.same(fourth.bundle(), [next.der]);
});

t.test('a CA that was replaced while nobody ran, and one that comes back', async (t) => {
  const { clock, start, runBoth } = setUp(t);
  await runBoth();
  const replaced = start(['a']);
  replaced.keeper.restore();
  t.equal(replaced.trust.knownSinceMs(old.der), clock.nowMs(), 'peers have known it since then');
  replaced.trust.learn('a', [next.der], HOUR_MS, clock.nowMs());
  t.same(replaced.bundle(), [old.der, next.der]);
  t.equal(replaced.trust.nextLeaveMs(), clock.nowMs() + HOUR_MS);
  replaced.keeper.save();

  const back = start(['a']);
  back.keeper.restore();
  back.trust.learn('a', [old.der], HOUR_MS, clock.nowMs());
  back.trust.forget(clock.nowMs() + HOUR_MS);
  t.same(back.bundle(), [old.der], 'it stays, and the other one goes');
});

t.test('what is saved before it is restored is not lost', async (t) => {
  const { start, runBoth } = setUp(t);
  await runBoth();
  const second = start(['b']);
  second.keeper.save();
  second.keeper.restore();
  t.same(second.bundle(), [old.der, next.der]);
});

t.test('another trust domain has other CAs', async (t) => {
  const { start, runBoth } = setUp(t);
  await runBoth();
  const other = start(['a', 'b'], { trustDomain: 'other' });
  other.keeper.restore();
  t.same([other.bundle(), other.log.lines], [[], []]);
});

t.test('what is not as it was written is told, and is nothing', async (t) => {
  const { path, start, runBoth } = setUp(t);
  await runBoth();
  const good = readFileSync(path, 'utf8');
  const key = await TestCa.makeRoot('leaf', { ...inForce(), ca: false });
  for (const [what, text] of [
    ['no JSON', good.slice(0, -20)],
    ['no anchors', '{"trustDomain": "default"}'],
    ['nothing', 'null'],
    ['no certificate', good.replace(/("certificate": )"[^"]*"/, '$1"AAAA"')],
    ['no CA', good.replace(/("certificate": )"[^"]*"/, `$1"${key.der.toString('base64')}"`)],
    ['no time', good.replace(/("sinceMs": )\d+/, '$1"x"')],
    ['no backend', good.replace(/("backend": )"a"/, '$11')],
  ] as const) {
    writeFileSync(path, text);
    const { keeper, bundle, log, trust } = start(['a', 'b']);
    keeper.restore();
    t.same(bundle(), [], what);
    t.equal(log.lines.length, 1, what);
    t.match(log.lines[0], /WARN +the CAs that an earlier run kept cannot be used path=/);
    trust.learn('a', [old.der], HOUR_MS, 0);
    keeper.save();
    t.doesNotThrow(() => JSON.parse(readFileSync(path, 'utf8')), `${what} is written anew`);
  }
});

t.test('nothing is written where nothing has changed, nor without a directory', async (t) => {
  const { directory, path, clock, start, runBoth } = setUp(t);
  const { trust, keeper, log } = start(['a'], { directory: null });
  trust.learn('a', [old.der], HOUR_MS, 0);
  keeper.restore();
  keeper.save();
  t.same([readdirSync(directory), log.lines], [[], []]);

  await runBoth();
  const second = start(['a', 'b']);
  second.keeper.save();
  const { ino } = statSync(path);
  second.keeper.save();
  t.equal(statSync(path).ino, ino);
  second.trust.retire('a', HOUR_MS, clock.nowMs());
  second.keeper.save();
  t.not(statSync(path).ino, ino, 'and by a swap when it has');
  t.same(readdirSync(directory), [FILE]);
});

t.test('a directory that is not there is told once, and used once it is there', async (t) => {
  const { directory, start } = setUp(t);
  const missing = join(directory, 'missing');
  const { trust, keeper, log } = start(['a'], { directory: missing });
  trust.learn('a', [old.der], HOUR_MS, 0);
  keeper.save();
  keeper.save();
  t.equal(log.lines.length, 1);
  t.match(log.lines[0], /WARN +the CAs that peers are verified against cannot be kept .*error=ENOENT/);
  mkdirSync(missing);
  keeper.save();
  t.same(readdirSync(missing), [FILE]);
});
