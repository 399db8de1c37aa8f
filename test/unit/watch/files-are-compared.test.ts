import t from 'tap';
import { watchFiles } from '../../../src/watch/watch-files.ts';
import { FakeClock } from '../../helpers/fake-clock.ts';
import { openRecordingLog } from '../../helpers/recording-log.ts';

/** Files in memory, and hints that a test gives. */
async function setUp(files: Record<string, string>) {
  const clock = new FakeClock();
  const told: string[][] = [];
  const folders: string[] = [];
  const stop = new AbortController();
  let hint: () => void = () => undefined;
  let reads = 0;
  const watching = watchFiles(
    () => Object.keys(files),
    async (changed) => void told.push([...changed]),
    {
      openHints: async (given) => {
        hint = given;
        return { add: (more) => void folders.push(...more), close: async () => undefined };
      },
      readFile: (path) => {
        reads += 1;
        const text = files[path];
        return text === undefined ? undefined : Buffer.from(text);
      },
      clock,
      log: openRecordingLog(),
    },
    stop.signal,
  );
  await clock.someoneSleeps();
  return {
    files,
    clock,
    told,
    folders,
    reads: () => reads,
    /** A hint, and the time that a writer is given. */
    async hint(times = 1): Promise<void> {
      for (let i = 0; i < times; i += 1) hint();
      await new Promise(setImmediate);
      await clock.someoneSleeps();
      clock.advance(200);
      await new Promise(setImmediate);
      await clock.someoneSleeps();
    },
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
