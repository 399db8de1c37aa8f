import { chmodSync, lstatSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openFiles } from '../../../src/delivery/files/files.ts';
import { filesConfig, filesOptions, listGenerations } from '../../helpers/files-bench.ts';
import { openGenerationMaker } from '../../helpers/make-generation.ts';

const generation = await (await openGenerationMaker()).make();
const ownGroup = process.getgid?.();
/** Root may give files to any group; others to the groups they are in. */
const sharedGroup = process.getuid?.() === 0 ? 1337 : (process.getgroups?.().at(-1) ?? ownGroup);

async function deliver(directory: string, options: Parameters<typeof filesConfig>[1]) {
  const files = openFiles(filesConfig(directory, options), filesOptions());
  await files.deliver(generation);
  await files.close();
}

const modeOf = (path: string) => (statSync(path).mode & 0o7777).toString(8);

for (const umask of [0o077, 0o000]) {
  t.test(`modes, owner and group are as configured under umask ${umask.toString(8).padStart(3, '0')}`, async (t) => {
    const before = process.umask(umask);
    t.teardown(() => process.umask(before));
    const parent = t.testdir();
    const directory = join(parent, 'made', 'deep');
    await deliver(directory, { keyMode: 0o640, mode: 0o444, group: sharedGroup });
    t.equal(modeOf(join(parent, 'made')), '755');
    t.equal(modeOf(directory), '755', 'made for readers');
    t.equal(modeOf(join(directory, '..data')), '755');
    for (const name of readdirSync(join(directory, '..data'))) {
      const secret = ['tls.key', 'credentialbundle.pem'].includes(name);
      t.equal(modeOf(join(directory, name)), secret ? '640' : '444', name);
      t.equal(statSync(join(directory, name)).gid, sharedGroup, `${name} belongs to the group`);
    }
    t.equal(readdirSync(join(directory, '..data')).length, 6);
  });
}

t.test('a directory that exists keeps its mode', async (t) => {
  const directory = t.testdir();
  chmodSync(directory, 0o2770);
  await deliver(directory, {});
  t.equal(modeOf(directory), '2770');
  t.equal(modeOf(join(directory, 'tls.key')), '600', 'the default');
  t.equal(statSync(join(directory, 'tls.key')).uid, process.getuid?.());
});

t.test('a key that even its owner may only read can be written', async (t) => {
  const directory = t.testdir();
  await deliver(directory, { keyMode: 0o400, group: ownGroup });
  await deliver(directory, { keyMode: 0o400, group: ownGroup });
  t.equal(modeOf(join(directory, 'tls.key')), '400');
});

t.test('the key is never in a place or a mode that lets others read it, before it is complete', async (t) => {
  const directory = join(t.testdir(), 'watched');
  mkdirSync(directory);
  const before = process.umask(0);
  t.teardown(() => process.umask(before));
  const seen: string[] = [];
  let looks = 0;
  let watching = true;
  const watch = () => {
    for (const name of listGenerations(directory)) {
      try {
        const isPrivate = (lstatSync(join(directory, name)).mode & 0o077) === 0;
        const key = lstatSync(join(directory, name, 'tls.key'));
        looks += 1;
        if (!isPrivate && key.size === 0) seen.push('half a key in an open directory');
        if ((key.mode & 0o037) !== 0) seen.push(`mode ${key.mode.toString(8)}`);
      } catch {}
    }
    if (watching) setImmediate(watch);
  };
  watch();
  for (let i = 0; i < 50; i += 1) await deliver(directory, { keyMode: 0o640, group: ownGroup });
  watching = false;
  t.same(seen, []);
  t.ok(looks > 50, `looked ${looks} times`);
});
