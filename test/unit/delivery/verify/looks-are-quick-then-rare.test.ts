import t from 'tap';
import { computeLookDelayMs } from '../../../../src/delivery/verify/look-delay.ts';

/** When looks happen that take no time, in milliseconds after the delivery. */
function schedule(withinMs: number, untilMs: number): number[] {
  const at = [0];
  for (let elapsedMs = 0; elapsedMs < untilMs; at.push(elapsedMs)) {
    elapsedMs += computeLookDelayMs({ looks: at.length, elapsedMs, withinMs });
  }
  return at;
}

t.test('a proxy that takes milliseconds is seen in milliseconds', async (t) => {
  t.same(schedule(10_000, 600).slice(0, 7), [0, 10, 30, 70, 150, 310, 630]);
});

t.test('one look is at the end of the limit, so that whatever was in time is seen in time', async (t) => {
  for (const withinMs of [1, 9, 100, 10_000, 3_600_000]) {
    const at = schedule(withinMs, withinMs);
    t.equal(at.at(-1), withinMs);
    t.ok(Math.max(...at.slice(1).map((ms, index) => ms - (at[index] ?? 0))) <= 1_000);
  }
});

t.test('afterwards ever more rarely, at least once a minute', async (t) => {
  const gaps = schedule(10_000, 600_000)
    .slice(-5)
    .map((ms, index, all) => ms - (all[index - 1] ?? ms));
  t.same(new Set(gaps.slice(1)), new Set([60_000]));
  t.equal(computeLookDelayMs({ looks: 30, elapsedMs: 10_000, withinMs: 10_000 }), 2_000);
});
