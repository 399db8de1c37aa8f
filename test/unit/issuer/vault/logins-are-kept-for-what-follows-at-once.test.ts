import t from 'tap';
import { openKeptLogin } from '../../../../src/issuer/vault/kept-login.ts';
import type { Login } from '../../../../src/issuer/vault/login.ts';
import { FakeClock } from '../../../helpers/fake-clock.ts';

function setUp(leaseSeconds?: number) {
  const clock = new FakeClock();
  const login: Login = { kind: 'borrowed', token: 'hvs.one', leaseSeconds };
  return { clock, login, kept: openKeptLogin(clock) };
}

t.test('after a certificate that lasts, and after a failure, it is given back at once', async (t) => {
  const { kept, login } = setUp();
  t.equal(kept.keep(login, { kind: 'issued', ttlSeconds: 3600 }), undefined);
  t.equal(kept.keep(login, { kind: 'issued', ttlSeconds: 75 }), undefined);
  t.equal(kept.keep(login, { kind: 'failed' }), undefined);
  t.equal(kept.take(), undefined);
});

t.test('after another key type was demanded, the next issue has it', async (t) => {
  const { kept, login } = setUp();
  const isToBeGivenBack = kept.keep(login, { kind: 'retried' });
  t.equal(kept.take(), login);
  t.equal(kept.take(), undefined, 'once');
  t.equal(await isToBeGivenBack, false, 'whoever took it gives it back');
});

t.test('nobody takes it: it is given back after a while', async (t) => {
  for (const [outcome, ms] of [
    [{ kind: 'retried' }, 5_000],
    [{ kind: 'issued', ttlSeconds: 20 }, 60_000],
  ] as const) {
    const { clock, kept, login } = setUp();
    const isToBeGivenBack = kept.keep(login, outcome);
    clock.advance(ms);
    t.equal(await isToBeGivenBack, true);
    t.equal(kept.take(), undefined);
  }
});

t.test('short-lived certificates share one, for as long as its lease lasts', async (t) => {
  const { clock, kept, login } = setUp(60);
  for (let issues = 0; issues < 3; issues += 1) {
    void kept.keep(login, { kind: 'issued', ttlSeconds: 20 });
    clock.advance(17_000);
    t.equal(kept.take(), login);
  }
  void kept.keep(login, { kind: 'issued', ttlSeconds: 20 });
  clock.advance(4_500);
  t.equal(kept.take(), undefined, 'its last seconds are not worth an issue');
  t.equal(kept.keep(login, { kind: 'issued', ttlSeconds: 20 }), undefined);
});

t.test('one without an end is logged in anew after ten minutes, as its rights may have ended', async (t) => {
  const { clock, kept, login } = setUp();
  do {
    void kept.keep(login, { kind: 'issued', ttlSeconds: 36 });
    clock.advance(30_000);
  } while (kept.take() !== undefined && clock.monotonicMs() < 3_600_000);
  t.equal(clock.monotonicMs(), 10 * 60_000);
});

t.test('a token of somebody else is never kept, as it may be replaced', async (t) => {
  const { kept } = setUp();
  t.equal(kept.keep({ kind: 'configured', token: 'hvs.one' }, { kind: 'retried' }), undefined);
  t.equal(kept.keep({ kind: 'agent' }, { kind: 'issued', ttlSeconds: 20 }), undefined);
});

t.test('at the end it is given back, and nothing is kept any more', async (t) => {
  const { kept, login } = setUp();
  const isToBeGivenBack = kept.keep(login, { kind: 'retried' });
  kept.close();
  t.equal(await isToBeGivenBack, true);
  t.equal(kept.keep(login, { kind: 'retried' }), undefined);
});
