import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { explainFailure } from '../../../src/delivery/files/explain-failure.ts';
import { openFiles } from '../../../src/delivery/files/files.ts';
import { AgentError } from '../../../src/errors.ts';
import { filesConfig, filesOptions, listGenerations, readIdentity } from '../../helpers/files-bench.ts';
import { openGenerationMaker } from '../../helpers/make-generation.ts';

const { make } = await openGenerationMaker();
// Root may write anywhere, so the rest of this process is somebody else.
if (process.getuid?.() === 0) {
  process.setgroups?.([]);
  process.setegid?.(65534);
  process.seteuid?.(65534);
}
const uid = process.geteuid?.() ?? -1;
const root = mkdtempSync(join(tmpdir(), 'meshcert-failures-'));
t.teardown(() => rmSync(root, { recursive: true }));

function open(directory: string, options: Parameters<typeof filesConfig>[1] = {}) {
  return openFiles(filesConfig(directory, options), filesOptions({ uid }));
}

async function failToDeliver(...args: Parameters<typeof open>): Promise<AgentError> {
  try {
    await open(...args).deliver(await make());
  } catch (thrown) {
    if (thrown instanceof AgentError && thrown.code === 'ERR_DELIVERY') return thrown;
    throw thrown;
  }
  throw new TypeError('it was delivered');
}

t.test('a directory that may not be written, or may not be made', async (t) => {
  const locked = mkdtempSync(join(root, 'locked-'));
  chmodSync(locked, 0o555);
  const error = await failToDeliver(locked);
  t.equal(error.detail, 'permission');
  t.match(error.line, `cannot write the certificate to ${locked}: permission denied at ${locked}`);
  t.match(error.line, `for uid ${uid}; make ${locked} writable for uid ${uid}`);
  const below = join(locked, 'new');
  t.match((await failToDeliver(below)).line, `permission denied at ${below} for uid ${uid}; create ${below}, writable`);
});

t.test('a path that leads through a file, or ends at one', async (t) => {
  const file = join(root, 'file');
  writeFileSync(file, '');
  t.match(await failToDeliver(join(file, 'below')), {
    detail: 'not_a_directory',
    message: `something on the way to ${join(file, 'below')} is not a directory`,
  });
  t.match(await failToDeliver(file), { message: `${file} is not a directory` });
});

t.test('a group that this process is not in: the earlier identity stays, nothing half-written is left', async (t) => {
  const directory = mkdtempSync(join(root, 'group-'));
  const files = open(directory);
  const earlier = await make();
  await files.deliver(earlier);
  await files.close();
  const error = await failToDeliver(directory, { group: 4242 });
  t.equal(error.detail, 'ownership');
  t.match(error.line, `uid ${uid} may not give files to group 4242; add group 4242 to this process`);
  t.match((await failToDeliver(directory, { owner: 0 })).line, 'only root can change an owner');
  t.same(readIdentity(directory), { serialNumber: earlier.serialNumber, whole: true });
  t.equal(listGenerations(directory).length, 1);
});

t.test('what cannot be staged here, in words', async (t) => {
  const context = { directory: '/d', uid: 1000, owner: undefined, group: undefined };
  const explain = (code: string, syscall = 'write') =>
    explainFailure(Object.assign(new Error(`${code}: secret`), { code, syscall, path: '/d/x' }), context);
  t.match(explain('ENOSPC').line, /no space is left; free some/);
  t.match(explain('EDQUOT').detail, 'no_space');
  t.match(explain('EROFS').line, /read-only; mount a writable volume at \/d/);
  t.match(explain('EIO').line, /EIO at \/d\/x/);
  t.match(explain('EEXIST', 'symlink').line, /another program writes there too/);
  t.match(explainFailure('odd', context).line, /cannot write the certificate to \/d: odd/);
  const passed = new AgentError('ERR_DELIVERY', 'as it is');
  t.equal(explainFailure(passed, context), passed);
});
