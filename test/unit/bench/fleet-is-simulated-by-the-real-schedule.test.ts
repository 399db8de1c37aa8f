import t from 'tap';
import { type FleetOptions, simulateFleet } from '../../bench/simulate-fleet.ts';

const HOUR_MS = 3_600_000;
const OPTIONS: FleetOptions = {
  agents: 1000,
  lifetimeMs: HOUR_MS,
  jitterRatio: 0.02,
  spreads: false,
  requestTimeoutMs: 10_000,
  ca: { concurrency: 4, issuesPerSecond: 200 },
  worksInVain: false,
  untilMs: 3 * HOUR_MS,
  random: () => 0.5,
};

t.test('one agent alone rotates when the schedule says so', async (t) => {
  const { issued, givenUp } = simulateFleet({ ...OPTIONS, agents: 1 });
  const workMs = 20;
  const periodMs = HOUR_MS * 0.81 + workMs;
  const expected = [0, 1, 2, 3].map((rotation) => ({ atMs: workMs + rotation * periodMs, rotation }));
  t.same(
    issued.map(({ atMs, rotation }) => ({ atMs: Math.round(atMs), rotation })),
    expected,
  );
  t.equal(givenUp, 0);
});

t.test('the CA never issues more than it can', async (t) => {
  const { issued } = simulateFleet(OPTIONS);
  for (let index = 0; index + 201 < issued.length; index += 1) {
    const tookMs = (issued[index + 201]?.atMs ?? 0) - (issued[index]?.atMs ?? 0);
    if (tookMs < 1000) t.fail(`202 certificates within ${tookMs} ms`);
  }
  t.equal(issued.filter(({ rotation }) => rotation === 0).length, OPTIONS.agents, 'and all have one');
});

t.test('agents that were kept waiting too long give up, and come back', async (t) => {
  const slow = { ...OPTIONS, ca: { concurrency: 4, issuesPerSecond: 50 }, untilMs: 60_000 };
  const dropping = simulateFleet(slow);
  t.ok(dropping.givenUp >= 500, `${dropping.givenUp} of 1000 requests, as a half takes 10 s`);
  t.equal(dropping.issued.length, slow.agents);
  const working = simulateFleet({ ...slow, worksInVain: true });
  t.ok(working.givenUp > dropping.givenUp, 'more where the CA does in vain what was given up');
});
