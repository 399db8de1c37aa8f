import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { openFiles } from '../../../src/delivery/files/files.ts';
import { eventually } from '../../helpers/eventually.ts';
import { FakeClock } from '../../helpers/fake-clock.ts';
import { filesConfig, filesOptions, listGenerations, readIdentity } from '../../helpers/files-bench.ts';
import { openGenerationMaker } from '../../helpers/make-generation.ts';
import { openRecordingLog } from '../../helpers/recording-log.ts';

const nowMs = Math.floor(Date.now() / 1000) * 1000;
const { make } = await openGenerationMaker(nowMs);
const HOUR_MS = 3_600_000;

/** A run that delivered a certificate of an hour, and the one after it, which gets none for now. */
async function runAgain(directory: string, afterMs: number) {
  const options = { clock: new FakeClock(new Date(nowMs).toISOString()), log: openRecordingLog() };
  const earlier = openFiles(filesConfig(directory), filesOptions(options));
  const left = await make({ lifetimeMs: HOUR_MS });
  await earlier.deliver(left);
  await earlier.close();
  options.clock.advance(afterMs);
  return { ...options, left, files: openFiles(filesConfig(directory), filesOptions(options)) };
}

const hasKey = (directory: string) => existsSync(join(directory, 'tls.key'));
const secretsOf = (directory: string, name: string) => parse(readFileSync(join(directory, name), 'utf8')).resources;

t.test('nothing: Envoy finds its two files, with nothing in them, and programs find none of theirs', async (t) => {
  const directory = join(t.testdir(), 'identity');
  const files = openFiles(filesConfig(directory), filesOptions());
  t.teardown(() => files.close());
  await files.prepare();
  t.same(readdirSync(join(directory, '..data')).sort(), ['tls_certificate_sds.yaml', 'validation_context_sds.yaml']);
  t.same(secretsOf(directory, 'tls_certificate_sds.yaml'), []);
  t.same(secretsOf(directory, 'validation_context_sds.yaml'), []);
  for (const name of ['tls.crt', 'tls.key', 'ca.crt', 'credentialbundle.pem'])
    t.notOk(existsSync(join(directory, name)), name);
  await files.withdraw();
  await files.prepare();
  t.equal(listGenerations(directory).length, 1, 'once');
  const generation = await make();
  await files.deliver(generation);
  t.same(readIdentity(directory), { serialNumber: generation.serialNumber, whole: true });
});

t.test('an expired certificate: it and its key go, what peers are verified with stays', async (t) => {
  const directory = t.testdir();
  const { files, log } = await runAgain(directory, HOUR_MS);
  t.teardown(() => files.close());
  const bundle = readFileSync(join(directory, 'ca.crt'), 'utf8');
  t.ok(hasKey(directory));
  await files.prepare();
  await eventually('the key is gone', () => !hasKey(directory));
  t.notOk(existsSync(join(directory, 'tls.crt')));
  t.equal(readFileSync(join(directory, 'ca.crt'), 'utf8'), bundle);
  t.same(secretsOf(directory, 'tls_certificate_sds.yaml'), []);
  t.match(secretsOf(directory, 'validation_context_sds.yaml'), [{ name: 'ROOTCA' }]);
  t.match(log.lines, [/WARN +certificate of an earlier run withdrawn, as it has expired delivery=files:/]);
});

t.test('a valid certificate: it stays to the second in which it expires', async (t) => {
  const directory = t.testdir();
  const { files, left, clock, log } = await runAgain(directory, HOUR_MS - 30_000);
  t.teardown(() => files.close());
  const data = readlinkSync(join(directory, '..data'));
  await files.prepare();
  await clock.someoneSleeps();
  clock.advance(29_000);
  await clock.someoneSleeps();
  t.equal(readlinkSync(join(directory, '..data')), data, 'nothing was touched');
  t.same(readIdentity(directory), { serialNumber: left.serialNumber, whole: true });
  clock.advance(1_000);
  await eventually('the key is gone', () => !hasKey(directory));
  await eventually('that is told', () => log.lines.length === 1);
});

t.test('a certificate that has a successor meanwhile: the successor stays', async (t) => {
  const directory = t.testdir();
  const { files, clock, log } = await runAgain(directory, HOUR_MS - 30_000);
  t.teardown(() => files.close());
  await files.prepare();
  await clock.someoneSleeps();
  const next = await make({ lifetimeMs: 2 * HOUR_MS });
  await files.deliver(next);
  clock.advance(30_000);
  await new Promise(setImmediate);
  await files.prepare(); // after whatever was begun meanwhile
  t.same(readIdentity(directory), { serialNumber: next.serialNumber, whole: true });
  t.same(log.lines, []);
});

t.test('something that is no certificate: it is left alone', async (t) => {
  const directory = t.testdir();
  const { files, log } = await runAgain(directory, 2 * HOUR_MS);
  t.teardown(() => files.close());
  writeFileSync(join(directory, 'tls.crt'), 'nonsense');
  await files.prepare();
  await new Promise(setImmediate);
  await files.prepare();
  t.ok(hasKey(directory));
  t.same(log.lines, []);
});

t.test("somebody else's directory: nothing is put there", async (t) => {
  const directory = t.testdir({ 'tls.crt': 'precious' });
  const files = openFiles(filesConfig(directory), filesOptions());
  t.match(await files.prepare().catch((error: unknown) => error), { detail: 'foreign_file' });
  t.same(readdirSync(directory), ['tls.crt']);
});

t.test('a withdrawal that fails is told, and tried again', async (t) => {
  const directory = t.testdir();
  const { files, clock, log } = await runAgain(directory, HOUR_MS - 30_000);
  t.teardown(() => files.close());
  await files.prepare();
  await clock.someoneSleeps();
  const inTheWay = join(directory, '..data_tmp');
  mkdirSync(inTheWay);
  clock.advance(30_000);
  await eventually('the failure is told', () => log.lines.length === 1);
  t.match(log.lines[0], /ERROR .*\.\.data_tmp was not made by meshcert/);
  t.ok(hasKey(directory));
  rmdirSync(inTheWay);
  await clock.someoneSleeps();
  clock.advance(60_000);
  await eventually('the key is gone', () => !hasKey(directory));
});
