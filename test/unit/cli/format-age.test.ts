import t from 'tap';
import { formatAge } from '../../../src/cli/format-age.ts';

t.test('the two largest units', async (t) => {
  const cases: [number, string][] = [
    [-5_000, '0s'],
    [999, '0s'],
    [42_000, '42s'],
    [60_000, '1m'],
    [330_999, '5m30s'],
    [3_605_000, '1h'],
    [11_520_000, '3h12m'],
    [24 * 86_400_000 + 3_600_000, '24d1h'],
  ];
  for (const [ms, text] of cases) t.equal(formatAge(ms), text, `${ms} ms`);
});
