import t from 'tap';
import { judgeState, sortByRisk } from '../../../src/fleet/judge-state.ts';
import { setUpObservation } from '../../helpers/observation-bench.ts';

t.test('the state of an agent follows what happens to it', async (t) => {
  const { observation, clock, issue, deliver, failToIssue, failToDeliver } = await setUpObservation();
  const judge = () => judgeState(observation.status(), clock.nowMs());
  t.equal(judge(), 'not-ready', 'nothing yet');
  deliver(await issue());
  t.equal(judge(), 'ok');
  failToIssue();
  t.equal(judge(), 'failing', 'in service, but the next one is in doubt');
  const next = await issue();
  failToDeliver(next);
  t.equal(judge(), 'failing');
  deliver(next);
  t.equal(judge(), 'ok');
  clock.advance(48 * 60_000 + 119_000);
  t.equal(judge(), 'ok', 'due, with jitter');
  clock.advance(2_000);
  t.equal(judge(), 'failing', 'nobody rotates');
  const before = observation.status();
  clock.advance(20 * 60_000);
  t.equal(judge(), 'expired');
  t.equal(judgeState(before, clock.nowMs()), 'expired', 'also by what it said while it was valid');
  t.equal(judgeState(undefined, clock.nowMs()), 'unknown');
});

t.test('where mTLS is off nothing is at risk', async (t) => {
  const { observation, clock } = await setUpObservation({ backend: undefined, supportedBackends: [] });
  t.equal(judgeState(observation.status(), clock.nowMs()), 'ok');
});

t.test('a CA that is ill, a hook and a target that fail are told before they hurt', async (t) => {
  const { observation, clock, issue, deliver } = await setUpObservation();
  deliver(await issue());
  const status = observation.status();
  const failing = [{ name: 'x', generation: 0, failing: 'no' }];
  for (const change of [
    { ca: { ...status.ca, state: 'Unknown' as const } },
    { hooks: failing },
    { served: failing },
    { deliveries: failing },
  ]) {
    t.equal(judgeState({ ...status, ...change }, clock.nowMs()), 'failing', JSON.stringify(change));
  }
});

t.test('what is at risk stands first, and of the same state what ends first', async (t) => {
  const { observation, issue, deliver } = await setUpObservation();
  deliver(await issue());
  const { certificate, ...rest } = observation.status();
  if (certificate === undefined) throw new Error('it was issued');
  const endsIn = (hours: number) => ({
    ...rest,
    certificate: { ...certificate, notAfter: `2026-01-01T0${hours}:00:00Z` },
  });
  const agents = [
    { pod: 'ok-late', state: 'ok', status: endsIn(5) },
    { pod: 'ok-none', state: 'ok', status: rest },
    { pod: 'unknown-a', state: 'unknown', status: undefined },
    { pod: 'failing-late', state: 'failing', status: endsIn(4) },
    { pod: 'unknown-b', state: 'unknown', status: undefined },
    { pod: 'failing-soon', state: 'failing', status: endsIn(3) },
    { pod: 'expired', state: 'expired', status: rest },
    { pod: 'ok-soon', state: 'ok', status: endsIn(2) },
    { pod: 'not-ready', state: 'not-ready', status: rest },
  ] as const;
  t.same(
    sortByRisk(agents).map(({ pod }) => pod),
    ['expired', 'not-ready', 'unknown-a', 'unknown-b', 'failing-soon', 'failing-late', 'ok-soon', 'ok-late', 'ok-none'],
  );
});
