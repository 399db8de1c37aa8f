import t from 'tap';
import type { AskVault, VaultAnswer } from '../../../../src/issuer/vault/client.ts';
import { careForToken } from '../../../../src/issuer/vault/token-care.ts';
import { makeLoginContext } from '../../../helpers/login-context.ts';

const HOUR_MS = 3_600_000;

interface FakeToken {
  endsAtMs: number;
  readonly renewable: boolean;
  readonly periodSeconds: number;
  /** A renewal leads no further than this. */
  readonly hardEndMs?: number;
}

/** A Vault that knows tokens by name; `state.isAway` makes every call fail. */
function setUp(tokens: Readonly<Record<string, FakeToken>>) {
  const context = makeLoginContext();
  const { clock } = context;
  const asked: string[] = [];
  const state = { stored: Object.keys(tokens)[0] ?? '', isAway: false };
  const answer = (status: number, body: unknown): VaultAnswer => ({ status, body, complaint: '' });
  const ask: AskVault = async ({ path, token = '' }) => {
    asked.push(`${path.split('/').at(-1)} ${token}`);
    if (state.isAway) throw new Error('away');
    const found = tokens[token];
    if (found === undefined || found.endsAtMs <= clock.nowMs()) return answer(403, undefined);
    if (path.endsWith('renew-self')) {
      found.endsAtMs = Math.min(clock.nowMs() + found.periodSeconds * 1000, found.hardEndMs ?? Number.MAX_SAFE_INTEGER);
    }
    const ttl = Math.floor((found.endsAtMs - clock.nowMs()) / 1000);
    const { renewable, periodSeconds } = found;
    return answer(200, { data: { ttl, renewable, creation_ttl: periodSeconds }, auth: { lease_duration: ttl } });
  };
  const stop = new AbortController();
  const done = careForToken({ ...context, ask, readToken: async () => state.stored }, stop.signal);
  /** Lets time pass as a machine does that never sleeps for longer than a minute. */
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 60_000) {
      await settle();
      clock.advance(Math.min(left, 60_000));
    }
    await settle();
  };
  return { ...context, asked, state, stop, done, pass };
}

/** Until nobody has anything to do but wait for the clock. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

const START_MS = Date.parse('2026-01-01T00:00:00Z');
const daily = (): FakeToken => ({ endsAtMs: START_MS + 24 * HOUR_MS, renewable: true, periodSeconds: 24 * 3600 });

t.test('when a third of its life is left, again and again, and its end is told', async (t) => {
  const { asked, done, pass, stop, expiries, clock } = setUp({ one: daily() });
  await pass(15 * HOUR_MS);
  t.same(asked, ['lookup-self one']);
  await pass(2 * HOUR_MS);
  t.same(asked.slice(1), ['lookup-self one', 'renew-self one']);
  await pass(4 * 24 * HOUR_MS);
  t.ok(asked.filter((one) => one === 'renew-self one').length >= 6);
  t.ok((expiries.at(-1)?.atMs ?? 0) > clock.nowMs() + 8 * HOUR_MS);
  stop.abort();
  await done;
});

t.test('what was stored in its place is looked after instead', async (t) => {
  const { asked, done, pass, stop, state } = setUp({
    one: daily(),
    two: { ...daily(), endsAtMs: START_MS + HOUR_MS * 48 },
  });
  await pass(HOUR_MS);
  state.stored = 'two';
  await pass(16 * HOUR_MS);
  t.same(asked, ['lookup-self one', 'lookup-self two']);
  stop.abort();
  await done;
});

t.test('while Vault is away it is tried again and again', async (t) => {
  const { asked, done, pass, stop, state, log } = setUp({ one: daily() });
  await pass(15 * HOUR_MS);
  state.isAway = true;
  await pass(2 * HOUR_MS);
  state.isAway = false;
  await pass(2 * 60_000);
  t.equal(asked.at(-1), 'renew-self one');
  t.ok(log.lines.every((line) => !line.includes('WARN')));
  stop.abort();
  await done;
});

t.test('one that comes to its last end is told, and left', async (t) => {
  const { asked, done, pass, log } = setUp({ one: { ...daily(), hardEndMs: START_MS + 30 * HOUR_MS } });
  await pass(29 * HOUR_MS);
  await done;
  t.equal(asked.filter((one) => one.startsWith('renew')).length, 2);
  const warnings = log.lines.filter((line) => line.includes('WARN'));
  t.equal(warnings.length, 1);
  t.match(warnings[0], /cannot be renewed any further.*2026-01-02T06:00:00.000Z.*vault token create -period/);
});

t.test('one that cannot be renewed, never ends, or is not known is left alone', async (t) => {
  for (const token of [
    { ...daily(), renewable: false },
    { ...daily(), endsAtMs: START_MS },
  ]) {
    const { asked, done } = setUp({ one: token });
    await done;
    t.same(asked, ['lookup-self one']);
  }
});
