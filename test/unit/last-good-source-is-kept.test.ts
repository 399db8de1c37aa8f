import t from 'tap';
import type { DataSource } from '../../src/data-source.ts';
import { AgentError } from '../../src/errors.ts';
import { keepLastGood, openLastGood } from '../../src/last-good.ts';
import { openRecordingLog } from '../helpers/recording-log.ts';

/** A pair that is good when both halves are the same. */
function setUp() {
  const files = new Map([
    ['cert', 'one'],
    ['key', 'one'],
  ]);
  const log = openRecordingLog();
  let made = 0;
  const sources: DataSource[] = [
    { kind: 'file', path: 'cert' },
    { kind: 'file', path: 'key' },
  ];
  const read = openLastGood(
    [...sources, undefined],
    async (source) => {
      const text = source.kind === 'file' ? files.get(source.path) : undefined;
      if (text === undefined) throw new AgentError('ERR_SOURCE', 'no such file');
      return text;
    },
    ([cert, key, absent]) => {
      if (cert !== key) throw new AgentError('ERR_SOURCE', 'they do not match', { remedy: 'replace both' });
      made += 1;
      return { cert, absent };
    },
    log,
  );
  return { files, log, read, made: () => made };
}

t.test('made anew only when a text has changed', async (t) => {
  const { files, read, made } = setUp();
  t.same(await read(), { cert: 'one', absent: undefined });
  await read();
  t.equal(made(), 1);
  files.set('cert', 'two').set('key', 'two');
  t.match(await read(), { cert: 'two' });
  t.equal(made(), 2);
});

t.test('half a change, or a source that is gone, is refused once and the old one kept', async (t) => {
  const { files, read, log } = setUp();
  await read();
  files.set('cert', 'two');
  t.match(await read(), { cert: 'one' });
  t.match(await read(), { cert: 'one' });
  files.delete('key');
  t.match(await read(), { cert: 'one' });
  t.equal(log.lines.length, 2);
  t.match(log.lines[0], /ERROR what was stored anew is refused, .*: they do not match .*remedy="replace both"/);
  files.set('key', 'two');
  t.match(await read(), { cert: 'two' });
  files.delete('key');
  await read();
  t.equal(log.lines.length, 3, 'after it was good again, it is told again');
});

t.test('as long as nothing good was there, the reason is thrown', async (t) => {
  const { files, read, log } = setUp();
  files.set('cert', 'two');
  await t.rejects(read(), { code: 'ERR_SOURCE', message: 'they do not match' });
  t.same(log.lines, []);
});

t.test('each source on its own', async (t) => {
  const files = new Map([
    ['a', '1'],
    ['b', '1'],
  ]);
  const read = keepLastGood(async (source) => {
    const text = source.kind === 'file' ? files.get(source.path) : undefined;
    if (text === undefined) throw new AgentError('ERR_SOURCE', 'no such file');
    return text;
  }, openRecordingLog());
  const readBoth = () => Promise.all(['a', 'b'].map((path) => read({ kind: 'file', path })));
  t.same(await readBoth(), ['1', '1']);
  files.set('a', '2').delete('b');
  t.same(await readBoth(), ['2', '1']);
  await t.rejects(read({ kind: 'file', path: 'c' }), { message: 'no such file' });
});
