import t from 'tap';
import { computeRotationDueMs } from '../../../src/rotation/schedule.ts';

const issuedAt = new Date('2026-01-01T00:00:00Z');
const life = (seconds: number) => ({ issuedAt, notAfter: new Date(issuedAt.getTime() + seconds * 1000) });
const dueAfterSeconds = (seconds: number, ratio: number, unit: number) =>
  (computeRotationDueMs(life(seconds), ratio, unit) - issuedAt.getTime()) / 1000;

t.test('rotation is due between 4/5 and 4/5 + 2 % of the life, never before 4/5', async (t) => {
  for (const seconds of [15, 3600, 86_400, 30 * 86_400, 397 * 86_400]) {
    t.equal(dueAfterSeconds(seconds, 0.02, 0), seconds * 0.8);
    t.ok(Math.abs(dueAfterSeconds(seconds, 0.02, 1) - seconds * 0.82) < 0.001);
  }
});

t.test('a jitter that was configured too large or negative is bounded', async (t) => {
  t.ok(Math.abs(dueAfterSeconds(100, 0.5, 1) - 82) < 0.001);
  t.equal(dueAfterSeconds(100, -1, 1), 80);
});

t.test('jitter spreads a fleet evenly over its window', async (t) => {
  const dues = Array.from({ length: 1000 }, (_, index) => dueAfterSeconds(1000, 0.02, index / 1000));
  const buckets = Array.from(
    { length: 10 },
    (_, b) => dues.filter((due) => due >= 800 + 2 * b && due < 802 + 2 * b).length,
  );
  t.ok(
    buckets.every((count) => count >= 90 && count <= 110),
    `counts: ${buckets}`,
  );
});

t.test('a back-dated notBefore changes nothing, as the life counts from issuance', async (t) => {
  const backdated = { ...life(3600), notBefore: new Date(issuedAt.getTime() - 3_600_000) };
  t.equal(computeRotationDueMs(backdated, 0, 0) - issuedAt.getTime(), 2_880_000);
});
