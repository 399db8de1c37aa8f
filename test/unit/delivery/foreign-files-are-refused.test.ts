import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { openFiles } from '../../../src/delivery/files/files.ts';
import { AgentError } from '../../../src/errors.ts';
import { filesConfig, filesOptions } from '../../helpers/files-bench.ts';
import { openGenerationMaker } from '../../helpers/make-generation.ts';

const generation = await (await openGenerationMaker()).make();

async function failToDeliver(t: Test, directory: string): Promise<AgentError> {
  const files = openFiles(filesConfig(directory), filesOptions());
  const thrown = await files.deliver(generation).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(thrown instanceof AgentError)) throw new TypeError(`AgentError expected, got ${thrown}`);
  t.match(thrown, { code: 'ERR_DELIVERY', detail: 'foreign_file' });
  t.notMatch(thrown.line, /\n/, 'one line');
  return thrown;
}

t.test("somebody else's certificate is not replaced", async (t) => {
  const directory = t.testdir({ 'tls.crt': 'precious' });
  const error = await failToDeliver(t, directory);
  t.match(error.message, `${join(directory, 'tls.crt')} was not made by meshcert`);
  t.match(error.remedy, 'move it away');
  t.equal(readFileSync(join(directory, 'tls.crt'), 'utf8'), 'precious');
  t.same(readdirSync(directory), ['tls.crt'], 'nothing is left behind');
});

t.test('a name that was made a symlink to elsewhere is not followed', async (t) => {
  const root = t.testdir({ passwd: 'precious', drop: {} });
  const directory = join(root, 'drop');
  symlinkSync(join(root, 'passwd'), join(directory, 'tls.key'));
  const error = await failToDeliver(t, directory);
  t.match(error.message, `tls.key is a symbolic link to ${join(root, 'passwd')}`);
  t.equal(readFileSync(join(root, 'passwd'), 'utf8'), 'precious');
});

t.test('..data that leads out of the directory, or into a volume of the kubelet, is not replaced', async (t) => {
  for (const target of ['/etc', '../elsewhere', '..2026_11_21_09_30_00.123456789']) {
    const directory = t.testdir();
    symlinkSync(target, join(directory, '..data'));
    const error = await failToDeliver(t, directory);
    t.match(error.message, `..data leads to ${target}`);
  }
  const directory = t.testdir({ '..data': {} });
  t.match((await failToDeliver(t, directory)).message, '..data was not made by meshcert');
});

t.test('a directory that is a symlink is not followed', async (t) => {
  const root = t.testdir({ real: {} });
  symlinkSync(join(root, 'real'), join(root, 'link'));
  const error = await failToDeliver(t, join(root, 'link'));
  t.match(error.line, 'is a symbolic link; name the directory that it leads to');
  t.same(readdirSync(join(root, 'real')), []);
});

t.test('a file of the name that is used for the swap is not deleted', async (t) => {
  const directory = t.testdir();
  mkdirSync(join(directory, '..data_tmp'));
  writeFileSync(join(directory, '..data_tmp', 'x'), '');
  await failToDeliver(t, directory);
  t.ok(existsSync(join(directory, '..data_tmp', 'x')));
});
