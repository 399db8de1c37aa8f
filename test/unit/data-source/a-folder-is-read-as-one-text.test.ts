import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openDataSources } from '../../../src/data-source.ts';

const read = openDataSources('/nowhere');

t.test('its files, in the order of their names, as a volume of Kubernetes has them', async (t) => {
  const path = t.testdir({ '..data': {}, 'b.pem': 'two', old: { 'x.pem': 'not this one' } });
  writeFileSync(join(path, '..data', 'a.pem'), 'one\n');
  symlinkSync('..data/a.pem', join(path, 'a.pem'));
  t.equal(await read({ kind: 'directory', path }), 'one\n\ntwo');
});

t.test('one that is missing, empty or a file is named', async (t) => {
  const path = t.testdir({ empty: {}, file: 'x' });
  mkdirSync(join(path, 'folders/inside'), { recursive: true });
  for (const [name, message] of [
    ['nope', 'no such file'],
    ['file', 'no folder'],
    ['empty', 'is empty'],
    ['folders', 'is empty'],
  ] as const) {
    const source = { kind: 'directory', path: join(path, name) } as const;
    await t.rejects(read(source), { code: 'ERR_SOURCE', message: new RegExp(`${source.path}.*${message}`) });
  }
});
