import t from 'tap';
import { openLifetimeWatch } from '../../../../src/issuer/acmpca/lifetime.ts';
import { computePollDelayMs } from '../../../../src/issuer/acmpca/poll.ts';
import { chooseEnd } from '../../../../src/issuer/acmpca/validity.ts';
import { openRecordingLog } from '../../../helpers/recording-log.ts';

const NOW_MS = 1_800_000_000_700;
const NOW_SECONDS = 1_800_000_000;
const DAY_SECONDS = 86_400;
const ca = (days: number, isShortLived = false) => ({
  notAfterMs: (NOW_SECONDS + days * DAY_SECONDS) * 1000,
  isShortLived,
});

t.test('the end is asked for as a moment', async (t) => {
  t.same(chooseEnd(3600, ca(100), NOW_MS), { endSeconds: NOW_SECONDS + 3600, cappedBy: undefined });
});

t.test('it never lies after that of the CA', async (t) => {
  t.same(chooseEnd(30 * DAY_SECONDS, ca(3), NOW_MS), { endSeconds: NOW_SECONDS + 3 * DAY_SECONDS, cappedBy: 'ca' });
  t.same(chooseEnd(30 * DAY_SECONDS, ca(3, true), NOW_MS).cappedBy, 'ca');
});

t.test('a CA for short-lived certificates is asked for less than 7 days', async (t) => {
  const { endSeconds, cappedBy } = chooseEnd(30 * DAY_SECONDS, ca(1000, true), NOW_MS);
  t.equal(cappedBy, 'mode');
  t.ok(endSeconds < NOW_SECONDS + 7 * DAY_SECONDS);
  t.ok(endSeconds >= NOW_SECONDS + 7 * DAY_SECONDS - 120);
  t.equal(chooseEnd(DAY_SECONDS, ca(1000, true), NOW_MS).cappedBy, undefined);
});

t.test('a certificate of another life than asked is told once, and one of no use is refused', async (t) => {
  const log = openRecordingLog();
  const { check } = openLifetimeWatch(log, 'aws-1');
  const askedEndMs = NOW_MS + 3_600_000;
  for (const endMs of [askedEndMs, askedEndMs - 1_500]) check({ endMs, askedEndMs, nowMs: NOW_MS });
  t.equal(log.lines.length, 0);
  for (const _ of [1, 2]) check({ endMs: NOW_MS + 600_000, askedEndMs, nowMs: NOW_MS });
  check({ endMs: NOW_MS + 7_200_000, askedEndMs, nowMs: NOW_MS });
  t.match(log.lines.join('\n'), /shorter-lived[\s\S]*longer-lived/);
  t.equal(log.lines.length, 2);
  t.throws(() => check({ endMs: NOW_MS + 59_000, askedEndMs, nowMs: NOW_MS }), { code: 'ERR_BAD_CERTIFICATE' });
  t.throws(() => check({ endMs: NOW_MS - 1, askedEndMs, nowMs: NOW_MS }), { code: 'ERR_BAD_CERTIFICATE' });
  const short = NOW_MS + 40_000;
  t.doesNotThrow(() => check({ endMs: short, askedEndMs: short, nowMs: NOW_MS }), 'it is what was asked for');
});

t.test('questions for a certificate become rarer, and never frequent', async (t) => {
  const waits = [0, 1, 2, 3, 4, 50].map((attempt) => computePollDelayMs(attempt, 0));
  t.same(waits, [300, 600, 1200, 2400, 3000, 3000]);
  t.equal(computePollDelayMs(0, 1), 450);
});
