import t from 'tap';
import { digestText } from '../../../src/watch/digest-text.ts';
import { watchFiles } from '../../../src/watch/watch-files.ts';
import { FakeClock } from '../../helpers/fake-clock.ts';
import { openRecordingLog } from '../../helpers/recording-log.ts';

interface Options {
  /** What is in use, by path. Default: what is found. */
  readonly lastRead?: Record<string, string | undefined>;
  /** How a change is brought in. Default: at once. */
  readonly apply?: () => Promise<void>;
}

/** Files in memory, and hints that a test gives. */
async function setUp(files: Record<string, string>, { lastRead = {}, apply = async () => {} }: Options = {}) {
  const clock = new FakeClock();
  const told: string[][] = [];
  const folders: string[] = [];
  const stop = new AbortController();
  let hint: () => void = () => undefined;
  let reads = 0;
  const watching = watchFiles(
    () => Object.keys(files),
    async (changed) => {
      told.push([...changed]);
      await apply();
    },
    {
      openHints: async (given) => {
        hint = given;
        return { add: (more) => void folders.push(...more), close: async () => undefined };
      },
      readFile: (path) => {
        reads += 1;
        return files[path];
      },
      lastRead: new Map(Object.entries(lastRead).map(([path, text]) => [path, digestText(text)])),
      clock,
      log: openRecordingLog(),
    },
    stop.signal,
  );
  await clock.someoneSleeps();
  /** The time that a writer is given. */
  async function settle(): Promise<void> {
    await new Promise(setImmediate);
    await clock.someoneSleeps();
    clock.advance(200);
    await new Promise(setImmediate);
  }
  return {
    files,
    clock,
    told,
    folders,
    reads: () => reads,
    giveHint: () => hint(),
    /** A hint, and the time that a writer is given. */
    async hint(times = 1): Promise<void> {
      for (let i = 0; i < times; i += 1) hint();
      await settle();
      await clock.someoneSleeps();
    },
    settle,
    async end(): Promise<void> {
      stop.abort();
      await watching;
    },
  };
}

t.test('only what holds something else is told, each folder is watched once', async (t) => {
  const bench = await setUp({ '/a/mesh.yaml': '1', '/a/agent.yaml': '1', '/b/token': '1' });
  t.same(bench.folders, ['/a', '/b']);
  await bench.hint();
  t.same(bench.told, [], 'a hint without a change');
  bench.files['/b/token'] = '2';
  await bench.hint(50);
  t.same(bench.told, [['/b/token']]);
  t.equal(bench.reads(), 9, 'many hints are one look');
  await bench.end();
});

t.test('file systems that send no hints are looked at once a minute', async (t) => {
  const bench = await setUp({ '/a/token': '1' });
  bench.files['/a/token'] = '2';
  bench.clock.advance(60_000);
  await new Promise(setImmediate);
  await bench.clock.someoneSleeps();
  t.same(bench.told, [['/a/token']]);
  await bench.end();
});

t.test('a file that becomes known later is no change, and its folder is watched from then on', async (t) => {
  const bench = await setUp({ '/a/mesh.yaml': '1' });
  bench.files['/c/key'] = '1';
  await bench.hint();
  t.same(bench.told, []);
  t.same(bench.folders, ['/a', '/c']);
  bench.files['/c/key'] = '2';
  await bench.hint();
  t.same(bench.told, [['/c/key']]);
  await bench.end();
});

t.test(
  'what was changed, made or removed after it was read and before the watch is told when the watch is up',
  async (t) => {
    const files = { '/a/mesh.yaml': '2', '/a/agent.yaml': '1', '/b/token': '1', '/b/new': '1' };
    const lastRead = { '/a/mesh.yaml': '1', '/a/agent.yaml': '1', '/b/token': undefined };
    const bench = await setUp(files, { lastRead });
    t.same(bench.told, []);
    await bench.hint();
    t.same(bench.told, [['/a/mesh.yaml', '/b/token']]);
    await bench.hint();
    t.equal(bench.told.length, 1, 'once');
    await bench.end();
  },
);

t.test('a file that becomes known later, and is another than was read, is told', async (t) => {
  const lastRead: Record<string, string> = { '/c/key': '1' };
  const bench = await setUp({ '/a/mesh.yaml': '1' }, { lastRead });
  bench.files['/c/key'] = '2';
  await bench.hint();
  t.same(bench.told, [['/c/key']]);
  await bench.end();
});

t.test('a change while one before it is brought in is told next', async (t) => {
  const applied = Promise.withResolvers<void>();
  const bench = await setUp({ '/a/mesh.yaml': '1' }, { apply: () => applied.promise });
  bench.files['/a/mesh.yaml'] = '2';
  bench.giveHint();
  await bench.settle();
  bench.files['/a/mesh.yaml'] = '3';
  bench.giveHint();
  applied.resolve();
  await bench.settle();
  t.same(bench.told, [['/a/mesh.yaml'], ['/a/mesh.yaml']]);
  await bench.end();
});
