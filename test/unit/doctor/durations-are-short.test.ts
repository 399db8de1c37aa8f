import t from 'tap';
import { formatDuration } from '../../../src/format-duration.ts';

t.test('two units at most, rounded down', async (t) => {
  for (const [seconds, text] of [
    [0, '0s'],
    [0.4, '0s'],
    [59.9, '59s'],
    [60, '1m'],
    [90, '1m30s'],
    [3_600, '1h'],
    [3_661, '1h1m'],
    [86_400, '1d'],
    [86_460, '1d'],
    [129_600, '1d12h'],
    [-90, '-1m30s'],
  ] as const) {
    t.equal(formatDuration(seconds), text, `${seconds}`);
  }
});
