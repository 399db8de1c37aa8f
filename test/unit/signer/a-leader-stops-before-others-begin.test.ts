import t, { type Test } from 'tap';
import { AgentError } from '../../../src/errors.ts';
import type { Kubernetes } from '../../../src/kubernetes/kubernetes.ts';
import { KubernetesError } from '../../../src/kubernetes/kubernetes-error.ts';
import { lead } from '../../../src/signer/lead.ts';
import type { Lease } from '../../../src/signer/lease.ts';
import { eventually } from '../../helpers/eventually.ts';
import { FakeClock } from '../../helpers/fake-clock.ts';
import { openRecordingLog } from '../../helpers/recording-log.ts';

/** Keeps one Lease in memory as the API server does: versions, conflicts. It knows nothing else of one. */
function openLeases() {
  let stored: Lease | undefined;
  let version = 0;
  const leases = { isAway: false, calls: 0, get: () => stored, put: (lease: Lease) => void store(lease) };
  function store(lease: Lease): Lease {
    version += 1;
    stored = { ...lease, metadata: { ...lease.metadata, resourceVersion: String(version) } };
    return stored;
  }
  const answer = async <T>(work: () => T): Promise<T> => {
    leases.calls += 1;
    if (leases.isAway) throw new AgentError('ERR_CA_UNREACHABLE', 'away');
    return work();
  };
  const refuse = (status: number) => new KubernetesError('ERR_CA_REFUSED', `${status}`, { status });
  const kubernetes = {
    get: () =>
      answer(() => {
        if (stored === undefined) throw refuse(404);
        return stored;
      }),
    create: (_: string, lease: Lease) =>
      answer(() => {
        if (stored !== undefined) throw refuse(409);
        return store(lease);
      }),
    replace: (_: string, lease: Lease) =>
      answer(() => {
        if (lease.metadata.resourceVersion !== stored?.metadata.resourceVersion) throw refuse(409);
        return store(lease);
      }),
  } as unknown as Kubernetes;
  return { leases, kubernetes };
}

type Leases = ReturnType<typeof openLeases>;

function openCandidate(t: Pick<Test, 'teardown'>, identity: string, { kubernetes }: Leases, clock: FakeClock) {
  const log = openRecordingLog();
  const ended = new AbortController();
  const state = { isWorking: false, began: 0 };
  const work = async (signal: AbortSignal) => {
    state.isWorking = true;
    state.began += 1;
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    state.isWorking = false;
  };
  const observer = { looks() {}, leads() {} };
  const running = lead(
    { namespace: 'n', name: 'l', identity },
    work,
    { kubernetes, clock, log, observer },
    ended.signal,
  );
  const stop = async () => {
    ended.abort();
    await running;
  };
  t.teardown(stop);
  return { state, log, stop };
}

/** Lets seconds pass, one by one, and everybody act in between. */
async function pass(clock: FakeClock, seconds: number, look: (second: number) => void = () => {}): Promise<void> {
  for (let second = 1; second <= seconds; second += 1) {
    clock.advance(1000);
    for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
    look(second);
  }
}

t.test('one of those that start together leads, and keeps the lease', async (t) => {
  const [all, clock] = [openLeases(), new FakeClock()];
  const candidates = ['a', 'b', 'c'].map((identity) => openCandidate(t, identity, all, clock));
  await pass(clock, 120, () => {
    t.equal(candidates.filter(({ state }) => state.isWorking).length, 1);
  });
  t.equal(
    candidates.reduce((sum, { state }) => sum + state.began, 0),
    1,
    'and it is always the same',
  );
  t.equal(all.leases.get()?.spec?.leaseTransitions, 1);
});

t.test('a leader that cannot renew stops before anybody else may begin', async (t) => {
  const [all, clock] = [openLeases(), new FakeClock()];
  const leader = openCandidate(t, 'a', all, clock);
  await eventually('it leads', () => leader.state.isWorking);
  const { kubernetes } = all;
  const away = { ...all, kubernetes: { ...kubernetes } as Kubernetes };
  // The other one still gets through.
  const other = openCandidate(t, 'b', away, clock);
  await pass(clock, 4);
  Object.assign(kubernetes, { get: () => Promise.reject(new AgentError('ERR_CA_UNREACHABLE', 'away')) });
  let stoppedAt = 0;
  let beganAt = 0;
  await pass(clock, 40, (second) => {
    t.notOk(leader.state.isWorking && other.state.isWorking, 'never both');
    if (!leader.state.isWorking) stoppedAt ||= second;
    if (other.state.isWorking) beganAt ||= second;
  });
  t.ok(stoppedAt > 0 && stoppedAt < 15, `stopped after ${stoppedAt} s`);
  t.ok(beganAt > stoppedAt, `the other began after ${beganAt} s`);
});

t.test('a leader whose lease somebody else has stops at the next look', async (t) => {
  const [all, clock] = [openLeases(), new FakeClock()];
  const leader = openCandidate(t, 'a', all, clock);
  await eventually('it leads', () => leader.state.isWorking);
  const lease = all.leases.get() as Lease;
  all.leases.put({ ...lease, spec: { ...lease.spec, holderIdentity: 'admin' } });
  await pass(clock, 2);
  t.notOk(leader.state.isWorking);
  t.ok(leader.log.lines.some((line) => line.includes('no longer leading')));
});

t.test('one that ends gives the lease back, and another begins at its next look', async (t) => {
  const [all, clock] = [openLeases(), new FakeClock()];
  const leader = openCandidate(t, 'a', all, clock);
  await eventually('it leads', () => leader.state.isWorking);
  const other = openCandidate(t, 'b', all, clock);
  await pass(clock, 4);
  await leader.stop();
  t.equal(leader.state.isWorking, false);
  t.equal(all.leases.get()?.spec?.holderIdentity, '');
  await pass(clock, 2);
  t.ok(other.state.isWorking);
});

t.test('trouble is told once, and an API server that is away is asked again', async (t) => {
  const [all, clock] = [openLeases(), new FakeClock()];
  all.leases.isAway = true;
  const candidate = openCandidate(t, 'a', all, clock);
  await pass(clock, 20);
  t.equal(candidate.log.lines.filter((line) => line.includes('the lease cannot be had')).length, 1);
  all.leases.isAway = false;
  await pass(clock, 2);
  t.ok(candidate.state.isWorking);
});
