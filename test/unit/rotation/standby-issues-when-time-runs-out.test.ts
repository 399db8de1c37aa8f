import t from 'tap';
import { chooseCandidate, computeStandbyAtMs } from '../../../src/rotation/choose-candidate.ts';
import { setUpRotation, unreachable } from '../../helpers/rotation-bench.ts';

const HOUR_MS = 3_600_000;
/** At 4/5 of the hour and 1 % of jitter; the standby's turn comes when half of the rest is gone. */
const DUE_MS = 2_916_000;
const STANDBY_MS = 3_258_000;

t.test('half of the time left belongs to the CA that the mesh enables', async (t) => {
  const bench = await setUpRotation({ standbys: 1 });
  await bench.start();
  bench.issuer.failures = Array.from({ length: 500 }, unreachable);
  await bench.pass(STANDBY_MS - 1000);
  t.equal(bench.rotated.length, 1);
  t.equal(bench.standbys[0]?.requests.length, 0, 'there is time yet');
  await bench.passUntil(() => bench.rotated.length === 2);
  t.equal(bench.standbys[0]?.requests.length, 1);
  t.match(bench.rotated.at(-1), { reason: 'standby', generation: { backend: 'ca-2', number: 2 } });
  await bench.end();
});

t.test('the next rotation is the enabled CA’s again', async (t) => {
  const bench = await setUpRotation({ standbys: 1 });
  await bench.start();
  bench.issuer.failures = Array.from({ length: 500 }, unreachable);
  await bench.passUntil(() => bench.rotated.length === 2);
  bench.issuer.failures = [];
  await bench.passUntil(() => bench.rotated.length === 3);
  t.match(bench.rotated.at(-1), { reason: 'due', generation: { backend: 'ca-1', number: 3 } });
  t.equal(bench.standbys[0]?.requests.length, 1);
  await bench.end();
});

t.test('without an identity, the standby is asked after the first failure', async (t) => {
  const bench = await setUpRotation({ standbys: 1 });
  bench.issuer.failures = [unreachable()];
  await bench.start();
  t.equal(bench.rotated.length, 0);
  await bench.passUntil(() => bench.rotated.length === 1);
  t.match(bench.rotated[0], { reason: 'standby', generation: { backend: 'ca-2' } });
  await bench.end();
});

t.test('a CA that hangs is given up when the standby’s turn comes', async (t) => {
  const bench = await setUpRotation({ standbys: 1 });
  await bench.start();
  bench.issuer.failures = [new Promise<never>(() => undefined)];
  await bench.passUntil(() => bench.rotated.length === 2);
  t.match(bench.failed.at(-1), {
    backend: 'ca-1',
    error: { code: 'ERR_CA_UNREACHABLE', message: /"ca-1" in the time that it has$/ },
  });
  t.match(bench.rotated.at(-1), { reason: 'standby', generation: { backend: 'ca-2' } });
  await bench.end();
});

t.test('several standbys and the enabled CA take turns, by the clock and the failures alone', async (t) => {
  const life = { dueAtMs: DUE_MS, notAfterMs: HOUR_MS };
  const at = (nowMs: number, failuresBefore: number, failuresOnStandby: number) =>
    chooseCandidate(3, { failuresBefore, failuresOnStandby }, life, 0.5, nowMs);
  t.equal(computeStandbyAtMs(life, 0.5), STANDBY_MS);
  t.same(at(DUE_MS, 0, 0), { index: 0, isStandbyTurn: false, untilMs: STANDBY_MS });
  t.equal(at(STANDBY_MS - 1, 9, 0).index, 0);
  t.same(
    [0, 1, 2, 3].map((failures) => at(STANDBY_MS, 9, failures).index),
    [1, 2, 0, 1],
  );
  t.same(at(STANDBY_MS, 9, 0), { index: 1, isStandbyTurn: true, untilMs: (STANDBY_MS + HOUR_MS) / 2 });
  t.same(
    [0, 1, 2, 3].map((failures) => at(HOUR_MS, failures, 0).index),
    [0, 1, 2, 0],
    'expired',
  );
  const alone = chooseCandidate(1, { failuresBefore: 7, failuresOnStandby: 7 }, life, 0.5, STANDBY_MS);
  t.same(alone, { index: 0, isStandbyTurn: false, untilMs: Number.POSITIVE_INFINITY });
});
