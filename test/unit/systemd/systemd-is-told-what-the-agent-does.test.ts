import t, { type Test } from 'tap';
import type { Described } from '../../../src/systemd/describe-status.ts';
import { tellSystemd } from '../../../src/systemd/tell-systemd.ts';
import { FakeClock } from '../../helpers/fake-clock.ts';
import { openRecordingLog } from '../../helpers/recording-log.ts';

const NOT_READY: Described = {
  ready: false,
  notReady: ['certificate: none yet: the CA is\naway'],
  spiffeId: 'spiffe://default/web',
};
const READY: Described = {
  ready: true,
  notReady: [],
  spiffeId: 'spiffe://default/web',
  certificate: { generation: 1, notAfter: '2026-01-02T00:00:00.000Z', rotatesAt: '2026-01-01T19:12:00.000Z' },
};
const READY_LINE =
  'STATUS=spiffe://default/web, generation 1, to be replaced at 2026-01-01T19:12:00.000Z, valid until 2026-01-02T00:00:00.000Z';

function open(t: Test, environment: Record<string, string> = {}) {
  const clock = new FakeClock();
  const log = openRecordingLog();
  const messages: string[][] = [];
  const stop = new AbortController();
  const service = { status: READY, isAlive: true, failure: undefined as string | undefined };
  const send = async (assignments: readonly string[]) => {
    if (service.failure === undefined) messages.push([...assignments]);
    return service.failure;
  };
  const told = tellSystemd(
    { status: () => service.status, isAlive: () => service.isAlive },
    { environment, pid: 7, clock, log, send },
    stop.signal,
  );
  t.teardown(() => stop.abort());
  const pass = async (ms: number) => {
    await clock.someoneSleeps();
    clock.advance(ms);
    await clock.someoneSleeps();
  };
  return { clock, log, messages, stop, service, told, pass };
}

t.test('ready once, what it does when that changes, and that it stops', async (t) => {
  const { service, messages, pass, stop, told } = open(t);
  service.status = NOT_READY;
  await pass(100);
  t.same(messages.splice(0), [['STATUS=not ready; certificate: none yet: the CA is away']], 'on one line');
  await pass(200);
  t.same(messages, [], 'nothing new');

  service.status = READY;
  await pass(400);
  t.same(messages.splice(0), [['READY=1', READY_LINE]]);

  service.status = { ...READY, lastError: { line: 'Vault is sealed', retryAt: '2026-01-01T00:01:00.000Z' } };
  await pass(5_000);
  t.same(messages.splice(0), [[`${READY_LINE}; Vault is sealed`]]);
  service.status = NOT_READY;
  await pass(5_000);
  service.status = { ...READY, lastError: { line: 'Vault is sealed' } };
  await pass(5_000);
  t.same(messages.splice(0).at(-1), [READY_LINE], 'an error that was overcome is none, and ready is said once');

  stop.abort();
  await told.ended;
  t.same(messages, [['STOPPING=1', 'STATUS=stopping']]);
});

t.test('mTLS that is off is ready, too', async (t) => {
  const { service, messages, pass } = open(t);
  service.status = { ready: true, notReady: [], spiffeId: 'spiffe://default/web' };
  await pass(100);
  t.same(messages, [['READY=1', 'STATUS=mTLS is off, nothing is issued']]);
});

t.test('a start that takes long is asked after more and more rarely', async (t) => {
  const { service, clock, pass } = open(t);
  service.status = NOT_READY;
  for (let look = 0; look < 9; look += 1) await pass(5_000);
  t.same(clock.sleeps, [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000, 5_000]);
});

t.test('the watchdog hears of it twice in its time, while the loop turns', async (t) => {
  const { service, clock, messages, pass } = open(t, { WATCHDOG_USEC: '6000000', WATCHDOG_PID: '7' });
  await pass(100);
  messages.splice(0);
  await pass(2_900);
  t.same(messages.splice(0), [['WATCHDOG=1']]);
  await pass(3_000);
  t.same(messages.splice(0), [['WATCHDOG=1']]);

  service.isAlive = false;
  await pass(3_000);
  await pass(5_000);
  t.same(messages, [], 'systemd ends what stands still');
  t.ok(
    clock.sleeps.every((ms) => ms >= 100),
    'and that does not spin',
  );
});

for (const [what, environment] of [
  ['no watchdog', {}],
  ['that of another process', { WATCHDOG_USEC: '6000000', WATCHDOG_PID: '8' }],
  ['no number', { WATCHDOG_USEC: 'soon' }],
  ['none at all', { WATCHDOG_USEC: '0' }],
] as const) {
  t.test(`${what}: nothing is sent to it`, async (t) => {
    const { messages, pass } = open(t, environment);
    for (let look = 0; look < 5; look += 1) await pass(5_000);
    t.same(messages, [['READY=1', READY_LINE]]);
  });
}

t.test('a rotation that somebody asks for is a reload', async (t) => {
  const { service, told, messages, pass } = open(t);
  service.status = NOT_READY;
  await pass(100);
  told.reloading(Promise.resolve());
  await pass(200);
  t.same(messages.splice(0).length, 1, 'not before the start is done');

  service.status = READY;
  await pass(400);
  messages.splice(0);
  const { promise, reject } = Promise.withResolvers<void>();
  told.reloading(promise);
  await pass(5_000);
  t.same(messages.splice(0), [['RELOADING=1', 'MONOTONIC_USEC=700000']]);
  reject(new Error('the CA is away'));
  await pass(5_000);
  t.same(messages, [['READY=1']], 'which ends when it fails, too');
});

t.test('a message that cannot be sent is warned of once', async (t) => {
  const { service, log, messages, pass, stop, told } = open(t, { WATCHDOG_USEC: '2000000' });
  service.failure = 'there is no systemd-notify';
  await pass(1_000);
  await pass(1_000);
  t.same(
    log.lines.map((line) => line.slice(13).trim()),
    ['WARN  systemd was not told how the agent is: there is no systemd-notify'],
  );
  service.failure = undefined;
  await pass(1_000);
  t.same(messages, [['WATCHDOG=1']], 'it is tried again');
  stop.abort();
  await told.ended;
});
