import t from 'tap';
import { AgentError } from '../../../src/errors.ts';
import { KubernetesError } from '../../../src/kubernetes/kubernetes-error.ts';
import type { KubernetesObject } from '../../../src/kubernetes/objects.ts';
import { type WatchEvent, type WatchSource, watchObjects } from '../../../src/kubernetes/watch.ts';

type Step = readonly string[] | AgentError;

const object = (name: string, resourceVersion: string) => ({ metadata: { name, resourceVersion } });
const line = (type: string, name: string, version: string) => JSON.stringify({ type, object: object(name, version) });
const gone = (code: number) => JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code, message: 'too old' } });

/** A server that gives these lists and streams, one after the other, and then ends the test. */
function script(lists: readonly (readonly KubernetesObject[] | AgentError)[], streams: readonly Step[]) {
  const asked: string[] = [];
  const delays: number[] = [];
  const troubles: AgentError[] = [];
  const end = new AbortController();
  let listed = 0;
  const source: WatchSource<KubernetesObject> = {
    async list() {
      const items = lists[listed];
      listed += 1;
      asked.push('list');
      if (items === undefined || items instanceof AgentError) throw items ?? new Error('asked for one list too many');
      return { items, metadata: { resourceVersion: `l${listed}` } };
    },
    async *readLines(version) {
      asked.push(version);
      const step = streams[asked.filter((one) => one !== 'list').length - 1];
      if (step === undefined) return end.abort();
      if (step instanceof AgentError) throw step;
      yield* step;
    },
  };
  const clock = {
    nowMs: () => 0,
    monotonicMs: () => 0,
    sleep: async (ms: number) => void delays.push(ms),
  };
  const ports = { clock, random: () => 1, troubled: (error: AgentError) => void troubles.push(error) };
  async function run(): Promise<string[]> {
    const told: string[] = [];
    for await (const event of watchObjects(source, ports, end.signal)) told.push(render(event));
    return told;
  }
  return { run, asked, delays, troubles };
}

function render(event: WatchEvent<KubernetesObject>): string {
  const names = event.type === 'listed' ? event.objects : [event.object];
  return `${event.type} ${names.map(({ metadata }) => metadata.name).join(',')}`;
}

t.test('what is there, then what changes; each stream goes on where the last one ended', async (t) => {
  const streams = [
    [line('ADDED', 'b', '5'), line('BOOKMARK', '', '9')],
    [line('MODIFIED', 'a', '10'), line('DELETED', 'b', '11')],
  ];
  const { run, asked, delays } = script([[object('a', '1')]], streams);
  t.same(await run(), ['listed a', 'changed b', 'changed a', 'deleted b']);
  t.same(asked, ['list', 'l1', '9', '11'], 'a bookmark is a place to go on from, and nothing else');
  t.same(delays, [1_000], 'a stream that told something is followed at once; the last one told nothing');
});

t.test('a place that the server no longer knows: listed anew', async (t) => {
  const expired = new KubernetesError('ERR_CA_REFUSED', 'gone', { status: 410 });
  const { run, troubles } = script([[object('a', '1')], [], [object('c', '8')]], [[gone(410)], expired]);
  t.same(await run(), ['listed a', 'listed ', 'listed c']);
  t.same(troubles, [], 'which is no trouble');
});

t.test('a server that is away is asked again, ever more rarely, and goes on where it was', async (t) => {
  const away = new KubernetesError('ERR_CA_UNREACHABLE', 'refused');
  const busy = new KubernetesError('ERR_CA_THROTTLED', 'busy', { status: 429, retryAfterMs: 60_000 });
  const { run, asked, delays, troubles } = script([[]], [away, away, away, busy, [line('ADDED', 'a', '3')]]);
  t.same(await run(), ['listed ', 'changed a']);
  t.same(asked, ['list', 'l1', 'l1', 'l1', 'l1', 'l1', '3']);
  t.same(delays.slice(0, 4), [1_000, 2_000, 4_000, 60_000], 'as the server asks');
  t.same(troubles, [away, away, away, busy]);
});

t.test('streams that end at once do not become a storm', async (t) => {
  const { run, delays } = script([[]], [[], [], []]);
  await run();
  t.same(delays.slice(0, 3), [1_000, 2_000, 4_000]);
});

t.test('what asking again does not help ends it', async (t) => {
  const denied = new KubernetesError('ERR_CA_DENIED', 'no', { status: 403 });
  await t.rejects(script([denied], []).run(), denied);
  await t.rejects(script([[]], [denied]).run(), denied);
  await t.rejects(script([[]], [['{"type":']]).run(), { code: 'ERR_CA_PROTOCOL' });
  t.match(
    (await script([[]], [[gone(500)]])
      .run()
      .catch(String)) as unknown,
    ['listed '],
    'but for what passes',
  );
});
