import t from 'tap';
import { parse } from 'yaml';
import { note } from '../../../src/envoy/note.ts';
import { renderYaml } from '../../../src/envoy/render-yaml.ts';

t.test('notes are comments above their block, short blocks stand on one line', async (t) => {
  const text = renderYaml(
    note('Title.\nSecond line.', {
      node: note('Why a node.', { id: 'web' }),
      list: [note('Why the first.', { name: 'a', value: 1 }), { name: 'b' }],
      words: note('Why words.', ['x', 'y z']),
      long: { first: 'a'.repeat(50), second: 'b'.repeat(50) },
      missing: undefined,
    }),
  );
  t.equal(
    text,
    `# Title.
# Second line.

# Why a node.
node: { id: web }
list:
  # Why the first.
  - { name: a, value: 1 }
  - { name: b }
# Why words.
words: [ x, y z ]
long:
  first: ${'a'.repeat(50)}
  second: ${'b'.repeat(50)}
`,
  );
});

t.test('the same block twice is written twice', async (t) => {
  const block = { a: 1 };
  t.equal(renderYaml({ one: block, two: block }), '{ one: { a: 1 }, two: { a: 1 } }\n');
});

t.test('text stays text, by the rules of YAML 1.1 and 1.2', async (t) => {
  const words = [
    'on',
    'off',
    'yes',
    'no',
    'y',
    'n',
    'true',
    '~',
    'null',
    '1',
    '017',
    '0x1f',
    '1e3',
    '12:30',
    '',
    '#a',
    ': ',
  ];
  for (const version of ['1.1', '1.2'] as const) {
    t.same(parse(renderYaml({ words }), { version }), { words }, version);
    for (const word of words) t.same(parse(renderYaml({ word }), { version }), { word }, `${version} ${word}`);
  }
});
