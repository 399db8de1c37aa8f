import t, { type Test } from 'tap';
import { AgentError } from '../../../src/errors.ts';
import { watchHealth } from '../../../src/issuer/watch-health.ts';
import { FakeClock } from '../../helpers/fake-clock.ts';
import { FakeIssuer } from '../../helpers/fake-issuer.ts';
import { openRecordingLog } from '../../helpers/recording-log.ts';

const sealed = new AgentError('ERR_CA_UNAVAILABLE', 'Vault is sealed', { remedy: 'unseal it' });
const away = new AgentError('ERR_CA_UNREACHABLE', 'nobody is there');

async function setUp(t: Test, random = 0) {
  const clock = new FakeClock();
  const issuer = await FakeIssuer.open(clock);
  const log = openRecordingLog();
  const told: string[] = [];
  const found = { now: { backend: 'vault-1', open: async () => issuer } as object | undefined };
  const stop = new AbortController();
  const watching = watchHealth(
    () => found.now as { backend: string; open: () => Promise<FakeIssuer> },
    {
      clock,
      random: () => random,
      log,
      observer: {
        healthy: (backend) => void told.push(`${backend} well`),
        unhealthy: (backend, { message }) => void told.push(`${backend} ill: ${message}`),
      },
    },
    stop.signal,
  );
  t.teardown(async () => {
    stop.abort();
    await watching;
  });
  const pass = async (ms: number) => {
    await clock.someoneSleeps();
    clock.advance(ms);
    await clock.someoneSleeps();
  };
  return { clock, issuer, log, told, found, pass };
}

t.test('the first probe waits for half a minute, the next as long: never in the way of a start', async (t) => {
  const { issuer, pass } = await setUp(t);
  await pass(29_999);
  t.equal(issuer.probes, 0);
  await pass(1);
  t.equal(issuer.probes, 1);
  await pass(30_000);
  t.equal(issuer.probes, 2);
});

t.test('chance makes it a minute at most', async (t) => {
  const { issuer, pass, clock } = await setUp(t, 1);
  await pass(59_999);
  t.equal(issuer.probes, 0);
  await pass(1);
  t.equal(issuer.probes, 1);
  t.same(clock.sleeps, [60_000, 60_000]);
});

t.test('each probe is told, and only changes are logged, in one line each', async (t) => {
  const { issuer, log, told, pass } = await setUp(t);
  issuer.illnesses = [sealed, sealed, away];
  for (let probe = 0; probe < 5; probe += 1) await pass(30_000);
  const ill = 'vault-1 ill: Vault is sealed';
  t.same(told, [ill, ill, 'vault-1 ill: nobody is there', 'vault-1 well', 'vault-1 well']);
  t.equal(log.lines.length, 3);
  t.match(log.lines[0], /WARN .*could not sign.*Vault is sealed.*ERR_CA_UNAVAILABLE.*unseal it/);
  t.match(log.lines[1], /WARN .*nobody is there/);
  t.match(log.lines[2], /INFO .*well again/);
});

t.test('with no CA to ask, nobody is asked', async (t) => {
  const { issuer, told, found, pass } = await setUp(t);
  const before = found.now;
  found.now = undefined;
  await pass(30_000);
  t.same(told, []);
  found.now = before;
  await pass(30_000);
  t.equal(issuer.probes, 1);
});
