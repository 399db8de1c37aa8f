import t from 'tap';
import { computePollDelayMs } from '../../../../src/issuer/acmpca/poll.ts';
import { openCapTeller } from '../../../../src/issuer/acmpca/tell-caps.ts';
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

t.test('what shortens lives is told once each', async (t) => {
  const log = openRecordingLog();
  const tell = openCapTeller(log, 'aws-1');
  for (const cappedBy of [undefined, 'ca', 'mode', 'ca', 'mode'] as const) tell({ cappedBy, endSeconds: NOW_SECONDS });
  t.match(log.lines, [
    /end with their CA .*backend=aws-1 endsAt=2027-01-15T08:00:00.000Z/,
    /7 days at most.*backend=aws-1/,
  ]);
  t.equal(log.lines.length, 2);
});

t.test('questions for a certificate become rarer, and never frequent', async (t) => {
  const waits = [0, 1, 2, 3, 4, 50].map((attempt) => computePollDelayMs(attempt, 0));
  t.same(waits, [300, 600, 1200, 2400, 3000, 3000]);
  t.equal(computePollDelayMs(0, 1), 450);
});
