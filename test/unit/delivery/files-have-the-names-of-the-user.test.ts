import { lstatSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { listNames } from '../../../src/delivery/files/contents.ts';
import { openFiles } from '../../../src/delivery/files/files.ts';
import { FakeClock } from '../../helpers/fake-clock.ts';
import { filesConfig, filesOptions, listGenerations, readIdentity } from '../../helpers/files-bench.ts';
import { openGenerationMaker } from '../../helpers/make-generation.ts';

const { make } = await openGenerationMaker();

/** As spiffe-helper calls them. */
const NAMES = { 'tls.crt': 'svid.pem', 'tls.key': 'svid_key.pem', 'ca.crt': 'svid_bundle.pem' };

const visible = (directory: string) =>
  readdirSync(directory)
    .filter((name) => !name.startsWith('..'))
    .sort();

t.test('files have them, with the same modes, and Envoy is told them', async (t) => {
  const directory = t.testdir();
  const config = filesConfig(directory, { names: NAMES, keyMode: 0o640 });
  const files = openFiles(config, filesOptions());
  t.teardown(() => files.close());
  await files.prepare();
  const generation = await make();
  await files.deliver(generation);
  t.same(visible(directory), listNames(config).sort());
  t.ok(visible(directory).includes('svid.pem'));
  t.notOk(visible(directory).includes('tls.crt'));
  const read = (name: string) => readFileSync(join(directory, name), 'utf8');
  t.equal(read('credentialbundle.pem'), read('svid_key.pem') + read('svid.pem'));
  t.equal(statSync(join(directory, 'svid_key.pem')).mode & 0o777, 0o640);
  t.equal(statSync(join(directory, 'svid.pem')).mode & 0o777, 0o644);
  t.match(parse(read('tls_certificate_sds.yaml')).resources[0].tls_certificate, {
    certificate_chain: { filename: join(directory, 'svid.pem') },
    private_key: { filename: join(directory, 'svid_key.pem') },
  });
  t.match(parse(read('validation_context_sds.yaml')).resources[0].validation_context.trusted_ca, {
    filename: join(directory, 'svid_bundle.pem'),
  });
  await files.withdraw();
  t.same(readdirSync(join(directory, '..data')).sort(), [
    'svid_bundle.pem',
    'tls_certificate_sds.yaml',
    'validation_context_sds.yaml',
  ]);
});

t.test('several outputs, each with names and a grace of its own, hold the same', async (t) => {
  const root = t.testdir();
  const clock = new FakeClock(new Date().toISOString());
  const outputs = [
    filesConfig(join(root, 'a'), { names: NAMES, graceMs: 0 }),
    filesConfig(join(root, 'b'), { graceMs: 3_600_000 }),
  ].map((config) => openFiles(config, filesOptions({ clock })));
  t.teardown(() => Promise.all(outputs.map((files) => files.close())));
  for (const generation of [await make(), await make()]) {
    for (const files of outputs) await files.deliver(generation);
  }
  t.equal(readFileSync(join(root, 'a/svid.pem'), 'utf8'), readFileSync(join(root, 'b/tls.crt'), 'utf8'));
  await clock.someoneSleeps();
  t.equal(listGenerations(join(root, 'a')).length, 1, 'no grace');
  t.equal(listGenerations(join(root, 'b')).length, 2, 'an hour of it');
  clock.advance(60_000);
  await clock.someoneSleeps();
  t.equal(listGenerations(join(root, 'b')).length, 2);
});

t.test(
  'names of an earlier configuration go with the last of its generations, and take no key to stay behind',
  async (t) => {
    const directory = t.testdir({ 'of-somebody-else': t.fixture('symlink', '..data/tls.crt') });
    const clock = new FakeClock(new Date().toISOString());
    const earlier = openFiles(filesConfig(directory, { names: NAMES }), filesOptions({ clock }));
    await earlier.deliver(await make());
    await earlier.close();
    const files = openFiles(filesConfig(directory), filesOptions({ clock }));
    t.teardown(() => files.close());
    const generation = await make();
    await files.deliver(generation);
    await clock.someoneSleeps();
    t.ok(lstatSync(join(directory, 'svid.pem')).isSymbolicLink(), 'its readers may be there still');
    clock.advance(60_000);
    while (visible(directory).some((name) => name.startsWith('svid'))) await new Promise(setImmediate);
    t.same(visible(directory), [...listNames({ directory, names: {} }), 'of-somebody-else'].sort());
    t.same(listGenerations(directory).length, 1, 'nor the directory with the key');
    t.same(readIdentity(directory), { serialNumber: generation.serialNumber, whole: true });
  },
);
