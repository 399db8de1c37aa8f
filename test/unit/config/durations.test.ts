import t from 'tap';
import { parseDurationMs } from '../../../src/config/duration.ts';
import { loadGood, loadText } from './load-text.ts';

const DAY = 86_400_000;

t.test('durations as Kuma writes them', async (t) => {
  for (const [text, ms] of [
    ['1d', DAY],
    ['24h', DAY],
    ['90m', 5_400_000],
    ['30s', 30_000],
    ['1h30m', 5_400_000],
    ['10y', 3650 * DAY],
    ['2w', 14 * DAY],
    ['1d12h30m15s', DAY + 45_015_000],
    ['250ms', 250],
    ['1.5h', 5_400_000],
    ['720h', 30 * DAY],
  ] as const) {
    t.equal(parseDurationMs(text), ms, text);
  }
});

t.test('what is no duration says why', async (t) => {
  for (const [text, message] of [
    ['', '"" is not more than zero'],
    ['24', '"24" has no unit'],
    ['0s', '"0s" is not more than zero'],
    ['soon', '"soon" is not a duration'],
    ['1h ', '"1h " is not a duration'],
    ['-1h', '"-1h" is not a duration'],
    ['1M', '"1M" is not a duration'],
    ['30m1h', '"30m1h" does not have its units from large to small, each once'],
    ['1h1h', '"1h1h" does not have its units from large to small, each once'],
    ['9999999y', '"9999999y" is longer than 800 years'],
    [`${'9'.repeat(400)}y`, 'is longer than 800 years'],
  ] as const) {
    t.throws(() => parseDurationMs(text), { code: 'ERR_CONFIG', message });
  }
});

t.test('in a Mesh', async (t) => {
  const mesh = (dpCert: string) =>
    `type: Mesh\nname: default\nmtls:\n  enabledBackend: a\n  backends:\n  - {name: a, type: builtin, dpCert: ${dpCert}}\n`;
  t.equal(loadGood(mesh('{}')).backend?.ttlSeconds, 30 * 86_400, 'thirty days without an expiration');
  t.hasStrict(loadGood(mesh('{rotation: {expiration: 90s}, requestTimeout: 500ms}')).backend, {
    ttlSeconds: 90,
    requestTimeoutMs: 500,
  });
  t.match(loadText(mesh('{rotation: {expiration: 500ms}}')).lines, [
    'mesh.yaml:6: mtls.backends[0].dpCert.rotation.expiration: expected at least a second',
  ]);
});
