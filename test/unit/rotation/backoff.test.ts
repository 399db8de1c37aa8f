import t from 'tap';
import { computeRetryDelayMs, type FailedAttempt } from '../../../src/rotation/backoff.ts';

const attempt = (changes: Partial<FailedAttempt>): FailedAttempt => ({
  retry: 'soon',
  failuresBefore: 0,
  remainingLifeMs: 86_400_000,
  retryAfterMs: undefined,
  ...changes,
});

t.test('waits double up to a ceiling, and what needs a person is asked more rarely', async (t) => {
  const ceilings = (retry: 'soon' | 'slowly') =>
    Array.from({ length: 12 }, (_, failuresBefore) => computeRetryDelayMs(attempt({ retry, failuresBefore }), 1));
  t.same(ceilings('soon').slice(0, 3), [500, 1000, 2000]);
  t.equal(ceilings('soon').at(-1), 60_000);
  t.same(ceilings('slowly').slice(0, 3), [5000, 10_000, 20_000]);
  t.equal(ceilings('slowly').at(-1), 300_000);
});

t.test('the wait is drawn from the whole range below the ceiling, but is never nothing', async (t) => {
  t.equal(computeRetryDelayMs(attempt({ failuresBefore: 5 }), 0.5), 8000);
  t.equal(computeRetryDelayMs(attempt({ failuresBefore: 5 }), 0), 100);
});

t.test('several tries always fit into the life that is left', async (t) => {
  for (const remainingLifeMs of [4_000, 60_000, 86_400_000]) {
    for (const retry of ['soon', 'slowly'] as const) {
      const delay = computeRetryDelayMs(attempt({ retry, failuresBefore: 40, remainingLifeMs }), 1);
      t.ok(delay <= remainingLifeMs / 8, `${delay} of ${remainingLifeMs}`);
    }
  }
});

t.test('what the CA asks for is granted, except where the life would run out', async (t) => {
  t.equal(computeRetryDelayMs(attempt({ retryAfterMs: 7000 }), 0), 7000);
  t.equal(computeRetryDelayMs(attempt({ retryAfterMs: 7000, remainingLifeMs: 4000 }), 0), 2000);
  t.equal(computeRetryDelayMs(attempt({ retryAfterMs: 1e9 }), 0), 60_000);
});

t.test('without a valid identity the waits stay shorter, as the workload stands still', async (t) => {
  for (const remainingLifeMs of [undefined, 0, -1]) {
    t.equal(computeRetryDelayMs(attempt({ remainingLifeMs, failuresBefore: 20 }), 1), 30_000);
    t.equal(computeRetryDelayMs(attempt({ remainingLifeMs, failuresBefore: 20, retry: 'slowly' }), 1), 60_000);
  }
});
