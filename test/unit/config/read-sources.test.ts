import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { readSources } from '../../../src/config/read-sources.ts';

const read = (path: string) => readFile(path, 'utf8');

t.test('files, in their order; the environment is not looked at', async (t) => {
  const directory = t.testdir({ 'a.yaml': 'a', 'b.yaml': 'b' });
  const files = [join(directory, 'b.yaml'), join(directory, 'a.yaml')];
  const result = await readSources({ files, environment: { MESHCERT_CONFIG: 'c' }, readFile: read });
  t.same(result, {
    sources: [
      { file: files[0], text: 'b' },
      { file: files[1], text: 'a' },
    ],
    problems: [],
  });
});

t.test('files that cannot be read are told, all of them', async (t) => {
  const directory = t.testdir({ 'a.yaml': 'a' });
  const files = [join(directory, 'none.yaml'), directory, join(directory, 'a.yaml')];
  const { sources, problems } = await readSources({ files, environment: {}, readFile: read });
  t.match(sources, [{ text: 'a' }]);
  t.match(problems, [
    { file: files[0], line: 0, message: 'cannot be read: there is no such file', severity: 'error' },
    { file: files[1], line: 0, message: 'cannot be read: it is a directory, not a file', severity: 'error' },
  ]);
});

t.test('MESHCERT_CONFIG without files', async (t) => {
  const readFile = async () => t.fail('reads no file') as never;
  t.same(await readSources({ files: [], environment: { MESHCERT_CONFIG: 'type: Agent' }, readFile }), {
    sources: [{ file: 'MESHCERT_CONFIG', text: 'type: Agent' }],
    problems: [],
  });
  for (const MESHCERT_CONFIG of [undefined, '', ' \n']) {
    t.same((await readSources({ files: [], environment: { MESHCERT_CONFIG }, readFile })).sources, []);
  }
});
