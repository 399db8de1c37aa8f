import t from 'tap';
import { spreadTtlSeconds } from '../../../src/rotation/schedule.ts';
import { simulateFleet } from '../../bench/simulate-fleet.ts';
import { setUpRotation, unreachable } from '../../helpers/rotation-bench.ts';

const DAY = 86_400;
type Bench = Awaited<ReturnType<typeof setUpRotation>>;
const asked = ({ issuer }: Bench) => issuer.requests.map(({ ttlSeconds }) => ttlSeconds);

t.test('a life lies between a third of what is configured and all of it, evenly', async (t) => {
  t.equal(spreadTtlSeconds(DAY, 0), DAY / 3);
  t.equal(spreadTtlSeconds(DAY, 0.5), (DAY * 2) / 3);
  t.equal(spreadTtlSeconds(DAY, 1), DAY);
  t.equal(spreadTtlSeconds(3600, 0), 1200);
  t.equal(spreadTtlSeconds(3599, 0), 3599, 'what is shorter than an hour stays as it is');
});

t.test('the certificate of a start is spread, those that follow live for the whole time', async (t) => {
  const bench = await setUpRotation({ ttlSeconds: DAY, jitterUnit: 0, spreads: true });
  await bench.start();
  const first = bench.rotated[0];
  const livedMs = (first?.dueAtMs ?? 0) - (first?.generation.issuedAt.getTime() ?? 0);
  t.equal(livedMs, (DAY / 3) * 0.8 * 1000, 'and rotates at 4/5 of its own');
  await bench.pass((DAY / 3) * 0.8 * 1000);
  await bench.pass(DAY * 0.8 * 1000);
  t.same(asked(bench), [DAY / 3, DAY, DAY]);
  await bench.end();
});

t.test('another plan, and a change of the CA, come to all at once, too', async (t) => {
  const bench = await setUpRotation({ ttlSeconds: DAY, jitterUnit: 0, spreads: true });
  await bench.start();
  await bench.rotation.rotateNow('ca_changed');
  bench.rotation.follow(bench.plan);
  await bench.passUntil(() => bench.rotated.length === 3);
  t.same(asked(bench), [DAY / 3, DAY / 3, DAY / 3]);
  await bench.end();
});

t.test('who asks for one agent gets the whole life', async (t) => {
  const bench = await setUpRotation({ ttlSeconds: DAY, jitterUnit: 0, spreads: true });
  await bench.start();
  await bench.rotation.rotateNow('requested');
  await bench.rotation.rotateNow('signal');
  t.same(asked(bench).slice(1), [DAY, DAY]);
  await bench.end();
});

t.test('a plan that spreads nothing asks for the whole life from the start', async (t) => {
  const bench = await setUpRotation({ ttlSeconds: DAY, jitterUnit: 0, spreads: false });
  await bench.start();
  t.same(asked(bench), [DAY]);
  await bench.end();
});

t.test('an attempt that is made again asks for the same life', async (t) => {
  const units = [0.1, 0.9, 0.3, 0.7, 0.5];
  const bench = await setUpRotation({ ttlSeconds: DAY, random: () => units.shift() ?? 0.5, spreads: true });
  bench.issuer.failures = [unreachable(), unreachable()];
  await bench.start();
  await bench.passUntil(() => bench.rotated.length === 1);
  const lives = asked(bench);
  t.equal(lives.length, 3);
  t.equal(new Set(lives).size, 1, `asked for ${lives} s`);
  await bench.end();
});

t.test('a fleet that starts together asks for at most twice the mean from the second rotation on', async (t) => {
  const lifetimeMs = DAY * 1000;
  const periodMs = lifetimeMs * 0.81;
  const peakOverMean = (spreads: boolean) => {
    const { issued } = simulateFleet({
      agents: 5000,
      lifetimeMs,
      jitterRatio: 0.02,
      spreads,
      requestTimeoutMs: Number.POSITIVE_INFINITY,
      ca: { concurrency: 16, issuesPerSecond: 500 },
      worksInVain: false,
      untilMs: periodMs * 8,
      random: makeRandom(),
    });
    const fromMs = issued.find(({ rotation }) => rotation === 2)?.atMs ?? Number.NaN;
    const windows = new Array<number>(500).fill(0);
    for (const { atMs } of issued) {
      const window = Math.floor(((atMs - fromMs) / periodMs) * 100);
      if (window >= 0 && window < windows.length) windows[window] = (windows[window] ?? 0) + 1;
    }
    return Math.max(...windows) / (windows.reduce((sum, one) => sum + one, 0) / windows.length);
  };
  const spread = peakOverMean(true);
  t.ok(spread <= 2, `${spread}`);
  t.ok(peakOverMean(false) > 10, 'which jitter alone does not do');
});

/** The same numbers in each run (a linear congruential generator; Numerical Recipes, 7.1). */
function makeRandom(): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
