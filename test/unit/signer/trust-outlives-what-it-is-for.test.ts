import t from 'tap';
import { mergeTrust } from '../../../src/signer/trust.ts';
import { parseTrust, renderTrust } from '../../../src/signer/trust-config-map.ts';

const [OLD, NEW, OTHER] = [Buffer.from('old'), Buffer.from('new'), Buffer.from('other')];
const DAY_MS = 86_400_000;
const ca = (certificate: Buffer, name = 'ca-1') => ({ name, certificates: [certificate], lifetimeMs: DAY_MS });
const anchor = (certificate: Buffer, leavesAtMs?: number, backend = 'ca-1') => ({ backend, certificate, leavesAtMs });

t.test('what is there is trusted, and what has gone for as long as leaves under it may live', async (t) => {
  const first = mergeTrust([], [ca(OLD)], [], 0);
  t.same(first, [anchor(OLD)]);
  const changed = mergeTrust(first, [ca(NEW)], [], 1000);
  t.same(changed, [anchor(NEW), anchor(OLD, 1000 + DAY_MS)]);
  t.same(mergeTrust(changed, [ca(NEW)], [], 2000), changed, 'that moment does not move');
  t.same(mergeTrust(changed, [ca(NEW)], [], 1000 + DAY_MS), [anchor(NEW)]);
  t.same(mergeTrust(changed, [ca(OLD)], [], 2000), [anchor(OLD), anchor(NEW, 2000 + DAY_MS)], 'and back');
});

t.test('a backend that has gone is trusted for the longest life that certificates have by default', async (t) => {
  const before = [anchor(OLD), anchor(OTHER, undefined, 'ca-2')];
  t.same(mergeTrust(before, [ca(OLD)], [], 0), [anchor(OLD), anchor(OTHER, 30 * DAY_MS, 'ca-2')]);
});

t.test('a CA that cannot be read now loses nothing', async (t) => {
  t.same(mergeTrust([anchor(OLD)], [], ['ca-1'], 0), [anchor(OLD)]);
  t.same(mergeTrust([anchor(OLD, 5)], [], ['ca-1'], 9), [], 'but what was to leave leaves');
});

t.test('it is read as it was written', async (t) => {
  const anchors = [anchor(NEW), anchor(OLD, 1000 + DAY_MS), anchor(OTHER, undefined, 'B_2.x')];
  const written = renderTrust('default', anchors);
  t.same(parseTrust(written), anchors);
  t.same(Object.keys(written.data ?? {}).sort(), ['backend-B_2.x.crt', 'backend-ca-1.crt', 'ca.crt']);
});

t.test('what others made of it is no reason to stop', async (t) => {
  for (const annotations of [undefined, {}, { 'meshcert.io/leaving': '{' }]) {
    const damaged = {
      metadata: { name: 'x', ...(annotations && { annotations }) },
      data: { 'backend-a.crt': '?', b: '' },
    };
    t.same(parseTrust(damaged), []);
  }
});
