import t from 'tap';
import { holdBy, mayHold } from '../../../src/signer/lease.ts';

const SEEN = { version: '7', sinceMs: 1_000 };
const heldBy = (holderIdentity: string) => ({
  metadata: { name: 'l' },
  spec: { holderIdentity, leaseDurationSeconds: 15, leaseTransitions: 3, acquireTime: 'then' },
});

t.test('a lease is free that nobody holds, and ours stays ours', async (t) => {
  t.ok(mayHold({ metadata: {} }, 'a', SEEN, 1_000));
  t.ok(mayHold(heldBy(''), 'a', SEEN, 1_000), 'given back');
  t.ok(mayHold(heldBy('a'), 'a', SEEN, 1_000));
});

t.test("another's is free when it was seen unchanged for as long as it lasts, by our own clock", async (t) => {
  t.notOk(mayHold(heldBy('b'), 'a', SEEN, 1_000));
  t.notOk(mayHold(heldBy('b'), 'a', SEEN, 16_000));
  t.ok(mayHold(heldBy('b'), 'a', SEEN, 16_001));
});

t.test('renewing keeps since when, taking over counts', async (t) => {
  const nowMs = Date.parse('2026-01-02T03:04:05.678Z');
  const time = '2026-01-02T03:04:05.678000Z';
  t.match(holdBy(heldBy('a'), 'a', 15, nowMs), { acquireTime: 'then', renewTime: time, leaseTransitions: 3 });
  t.match(holdBy(heldBy('b'), 'a', 15, nowMs), {
    holderIdentity: 'a',
    leaseDurationSeconds: 15,
    acquireTime: time,
    renewTime: time,
    leaseTransitions: 4,
  });
});
