import t, { type Test } from 'tap';
import { AgentError } from '../../../src/errors.ts';
import { KubernetesError } from '../../../src/kubernetes/kubernetes-error.ts';
import type { SigningRequest } from '../../../src/kubernetes/signing-request.ts';
import type { WatchEvent } from '../../../src/kubernetes/watch.ts';
import type { Outcome } from '../../../src/signer/answer-request.ts';
import { serveRequests } from '../../../src/signer/serve-requests.ts';
import { eventually } from '../../helpers/eventually.ts';
import { FakeClock } from '../../helpers/fake-clock.ts';
import { openRecordingLog } from '../../helpers/recording-log.ts';

type Event = WatchEvent<SigningRequest>;

const SIGNED: Outcome = { kind: 'signed', backend: 'ca-1' };

function request(name: string, status: SigningRequest['status'] = {}, resourceVersion = '1'): SigningRequest {
  return { metadata: { name, resourceVersion }, spec: { request: '', signerName: 's' }, status };
}

/** The real queue before a watch that the test feeds, and an answer that the test gives. */
function openBench(t: Pick<Test, 'teardown'>, answer: (request: SigningRequest) => Promise<Outcome>) {
  const clock = new FakeClock();
  const log = openRecordingLog();
  const events: Event[] = [];
  const asked: string[] = [];
  const answered: string[] = [];
  const ended = new AbortController();
  let arrived = Promise.withResolvers<void>();
  const watch = async function* (): AsyncGenerator<Event> {
    while (!ended.signal.aborted) {
      while (events.length > 0) yield events.shift() as Event;
      await arrived.promise;
      arrived = Promise.withResolvers();
    }
  };
  const ports = {
    kubernetes: { watch: watch as never },
    answer: (one: SigningRequest) => {
      asked.push(`${one.metadata.name}@${one.metadata.resourceVersion}`);
      return answer(one);
    },
    clock,
    random: () => 1,
    log,
    observer: {
      answered: (one: SigningRequest) => void answered.push(one.metadata.name),
      notAnswered() {},
      waiting() {},
    },
  };
  const running = serveRequests('s', ports, ended.signal);
  const end = async () => {
    ended.abort();
    arrived.resolve();
    await running;
  };
  t.teardown(end);
  return {
    asked,
    answered,
    clock,
    log,
    end,
    tell(...told: Event[]) {
      events.push(...told);
      arrived.resolve();
    },
  };
}

const changed = (object: SigningRequest): Event => ({ type: 'changed', object });
const listed = (...objects: SigningRequest[]): Event => ({ type: 'listed', objects });

t.test('those that are there and those that come, but none that has its answer', async (t) => {
  const bench = openBench(t, async () => SIGNED);
  const done = [
    request('denied', { conditions: [{ type: 'Denied', status: 'True' }] }),
    request('failed', { conditions: [{ type: 'Failed', status: 'True' }] }),
    request('signed', { certificate: 'x' }),
  ];
  const approved = request('approved', { conditions: [{ type: 'Approved', status: 'True' }] });
  bench.tell(listed(request('first'), approved, ...done), changed(request('second')));
  await eventually('all are answered', () => bench.answered.length === 3);
  t.same(bench.answered.toSorted(), ['approved', 'first', 'second']);
});

t.test('one whose CA cannot sign yet is asked about again, and keeps up nobody', async (t) => {
  let isReady = false;
  const bench = openBench(t, async ({ metadata }) =>
    metadata.name.startsWith('early') && !isReady ? { kind: 'waiting' } : SIGNED,
  );
  bench.tell(listed(...Array.from({ length: 20 }, (_, index) => request(`early-${index}`)), request('other')));
  await eventually('the other is answered', () => bench.answered.includes('other'));
  isReady = true;
  bench.clock.advance(500);
  await eventually('the early ones are, too', () => bench.answered.length === 21);
});

t.test('after a failure it is tried again, ever more rarely, and said once', async (t) => {
  let failures = 0;
  const bench = openBench(t, async () => {
    failures += 1;
    if (failures < 4) throw new AgentError('ERR_CA_UNREACHABLE', 'the API server is away');
    return SIGNED;
  });
  bench.tell(listed(request('a')));
  for (const delayMs of [500, 1000, 2000]) {
    await bench.clock.someoneSleeps();
    bench.clock.advance(delayMs);
    await new Promise(setImmediate);
  }
  await eventually('it is answered', () => bench.answered.length === 1);
  t.same(bench.clock.sleeps, [500, 1000, 2000]);
  t.equal(bench.log.lines.filter((line) => line.includes('cannot be answered')).length, 1);
});

t.test('one that has changed meanwhile is judged as it is then', async (t) => {
  const bench = openBench(t, async ({ metadata }) => {
    if (metadata.resourceVersion === '1') throw new KubernetesError('ERR_CA_REFUSED', 'changed', { status: 409 });
    return SIGNED;
  });
  bench.tell(listed(request('a')));
  await bench.clock.someoneSleeps();
  bench.tell(changed(request('a', {}, '2')));
  await eventually('the new one is there', async () => {
    await new Promise(setImmediate);
    bench.clock.advance(500);
    return bench.answered.length === 1;
  });
  t.same(bench.asked, ['a@1', 'a@2']);
  t.same(bench.log.lines, [], 'and that is nothing to tell');
});

t.test('one that is gone is forgotten', async (t) => {
  let isGone = false;
  const bench = openBench(t, async () => {
    isGone = true;
    throw new KubernetesError('ERR_CA_REFUSED', 'not found', { status: 404 });
  });
  bench.tell(listed(request('a')));
  await eventually('it is asked about', () => isGone);
  await new Promise(setImmediate);
  t.same(bench.clock.sleeps, []);
});

t.test('it ends when what is under way has ended, and begins nothing more', async (t) => {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const bench = openBench(t, () => promise);
  bench.tell(listed(...Array.from({ length: 10 }, (_, index) => request(`r-${index}`))));
  await eventually('as many as may are under way', () => bench.asked.length === 8);
  let hasEnded = false;
  const ending = bench.end().then(() => {
    hasEnded = true;
  });
  await new Promise(setImmediate);
  t.equal(hasEnded, false);
  resolve(SIGNED);
  await ending;
  t.equal(bench.asked.length, 8);
});
