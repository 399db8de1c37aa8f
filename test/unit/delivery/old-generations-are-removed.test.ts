import { chownSync, lutimesSync, mkdirSync, readdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { openFiles } from '../../../src/delivery/files/files.ts';
import { FakeClock } from '../../helpers/fake-clock.ts';
import { filesConfig, filesOptions, listGenerations, readIdentity } from '../../helpers/files-bench.ts';
import { openGenerationMaker } from '../../helpers/make-generation.ts';
import { openRecordingLog } from '../../helpers/recording-log.ts';

const { make } = await openGenerationMaker();
const HOUR_MS = 3_600_000;

function setUp(t: Test, directory: string) {
  const clock = new FakeClock(new Date().toISOString());
  const log = openRecordingLog();
  const files = openFiles(filesConfig(directory), filesOptions({ clock, log }));
  t.teardown(() => files.close());
  return { clock, log, files };
}

/** A directory like one that a killed run of ours would have left. */
function leaveBehind(directory: string, name: string, ageMs: number) {
  mkdirSync(join(directory, name));
  writeFileSync(join(directory, name, 'tls.key'), 'half a k');
  const then = new Date(Date.now() - ageMs);
  utimesSync(join(directory, name), then, then);
}

t.test('a superseded generation stays for a grace time, however old it is, and then goes by itself', async (t) => {
  const directory = t.testdir();
  const { clock, files } = setUp(t, directory);
  await files.deliver(await make());
  const [first] = listGenerations(directory);
  clock.advance(HOUR_MS);
  await files.deliver(await make());
  await clock.someoneSleeps();
  t.equal(listGenerations(directory).length, 2);
  clock.advance(59_000);
  await files.deliver(await make());
  t.ok(listGenerations(directory).includes(first ?? ''), 'after 59 s');
  clock.advance(1_000);
  await t.resolves(clock.someoneSleeps(), 'one more is to be removed later');
  t.notOk(listGenerations(directory).includes(first ?? ''), 'after 60 s');
  t.equal(listGenerations(directory).length, 2);
});

t.test('what a killed run left is removed at the next delivery, when it is old', async (t) => {
  const directory = t.testdir();
  leaveBehind(directory, '..meshcert-20260101T000000Z-aaaaaa', HOUR_MS);
  leaveBehind(directory, '..meshcert-20260101T000000Z-bbbbbb', 1_000);
  symlinkSync('..meshcert-20260101T000000Z-aaaaaa', join(directory, '..data_tmp'));
  const { clock, files } = setUp(t, directory);
  const generation = await make();
  await files.deliver(generation);
  await clock.someoneSleeps();
  t.equal(readIdentity(directory)?.serialNumber, generation.serialNumber);
  const left = readdirSync(directory).filter((name) => /aaaaaa|bbbbbb|tmp/.test(name));
  t.same(left, ['..meshcert-20260101T000000Z-bbbbbb'], 'the young one may be in use');
});

t.test('what only looks like ours is left alone', async (t) => {
  const directory = t.testdir();
  leaveBehind(directory, '..meshcert-backup', HOUR_MS);
  leaveBehind(directory, '..2026_01_01_00_00_00.123', HOUR_MS);
  leaveBehind(directory, 'elsewhere', HOUR_MS);
  writeFileSync(join(directory, '..meshcert-20260101T000000Z-cccccc'), 'a file');
  symlinkSync(join(directory, 'elsewhere'), join(directory, '..meshcert-20260101T000000Z-dddddd'));
  leaveBehind(directory, '..meshcert-20260101T000000Z-eeeeee', 0);
  // Only root can make something another user's; for everybody else this one is ours and young.
  if (process.getuid?.() === 0) chownSync(join(directory, '..meshcert-20260101T000000Z-eeeeee'), 65534, 65534);
  const then = new Date(Date.now() - HOUR_MS);
  for (const end of process.getuid?.() === 0 ? ['cccccc', 'dddddd', 'eeeeee'] : ['cccccc', 'dddddd']) {
    lutimesSync(join(directory, `..meshcert-20260101T000000Z-${end}`), then, then);
  }
  const { files, log } = setUp(t, directory);
  await files.deliver(await make());
  await files.close();
  t.same(log.lines, []);
  const left = readdirSync(directory).filter((name) => /backup|123|(c|d|e){6}/.test(name));
  t.equal(left.length, 5, `${left}`);
  t.same(readdirSync(join(directory, 'elsewhere')), ['tls.key'], 'nothing was reached through a link');
});

t.test('one that cannot be removed is told, and keeps neither the delivery nor the others', async (t) => {
  const directory = t.testdir();
  const name = '..meshcert-20260101T000000Z-ffffff';
  leaveBehind(directory, name, 0);
  writeFileSync(join(directory, name, 'not-ours'), '');
  utimesSync(join(directory, name), new Date(0), new Date(0));
  for (const other of ['aaaaaa', 'zzzzzz']) leaveBehind(directory, `..meshcert-20260101T000000Z-${other}`, HOUR_MS);
  const { files, log } = setUp(t, directory);
  await files.deliver(await make());
  await files.close();
  t.match(log.lines, [/WARN +an old generation cannot be removed .*ffffff error=ENOTEMPTY/]);
  t.equal(listGenerations(directory).length, 2, 'the one in use, and that one');
});

t.test('a process that has closed its delivery is not kept alive by the grace time', async (t) => {
  const files = openFiles(filesConfig(t.testdir()), filesOptions());
  await files.deliver(await make());
  await files.deliver(await make());
  await files.close();
  t.same(process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length <= 1, true, "tap's own at most");
});
