import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { systemClock } from '../../../src/clock.ts';
import { openFolderHints } from '../../../src/watch/folder-hints.ts';
import { watchFiles } from '../../../src/watch/watch-files.ts';
import { eventually } from '../../helpers/eventually.ts';
import { openRecordingLog } from '../../helpers/recording-log.ts';

/** Watches one file, with the real clock and the hints of the operating system. */
function watchOne(t: Test, path: string) {
  const told: string[] = [];
  const stop = new AbortController();
  const readFile = (file: string) => {
    try {
      return readFileSync(file, 'utf8');
    } catch {
      return undefined;
    }
  };
  const watching = watchFiles(
    () => [path],
    async () => void told.push(readFile(path) ?? 'gone'),
    { openHints: openFolderHints, readFile, lastRead: new Map(), clock: systemClock, log: openRecordingLog() },
    stop.signal,
  );
  t.teardown(async () => {
    stop.abort();
    await watching;
  });
  return { tells: (text: string) => t.resolves(eventually(`${text} is told`, () => told.at(-1) === text)) };
}

t.test('written in place, removed, and made again', async (t) => {
  const path = join(t.testdir({ token: 'one', other: 'x' }), 'token');
  const { tells } = watchOne(t, path);
  writeFileSync(path, 'two');
  await tells('two');
  rmSync(path);
  await tells('gone');
  writeFileSync(path, 'three');
  await tells('three');
});

t.test('saved by an editor that renames', async (t) => {
  const folder = t.testdir({ 'mesh.yaml': 'one' });
  const path = join(folder, 'mesh.yaml');
  const { tells } = watchOne(t, path);
  for (const text of ['two', 'three']) {
    writeFileSync(join(folder, '.mesh.yaml.swp'), text);
    renameSync(join(folder, '.mesh.yaml.swp'), path);
    await tells(text);
  }
});

t.test('swapped by the kubelet', async (t) => {
  const folder = t.testdir({});
  const publish = (text: string) => {
    const generation = `..${text}`;
    mkdirSync(join(folder, generation));
    writeFileSync(join(folder, generation, 'token'), text);
    symlinkSync(generation, join(folder, '..data_tmp'));
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
  };
  publish('one');
  symlinkSync('..data/token', join(folder, 'token'));
  const { tells } = watchOne(t, join(folder, 'token'));
  publish('two');
  rmSync(join(folder, '..one'), { recursive: true });
  await tells('two');
  publish('three');
  await tells('three');
});
