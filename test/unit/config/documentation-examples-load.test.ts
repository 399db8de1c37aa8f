import { existsSync, readdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import { parseAllDocuments } from 'yaml';
import { loadText } from './load-text.ts';

const DOCS = new URL('../../../docs/', import.meta.url);
const pages = readdirSync(DOCS)
  .filter((name) => name.endsWith('.md'))
  .map((name) => ({ name, text: readFileSync(new URL(name, DOCS), 'utf8') }));

/** The YAML that an agent could be given; indented in lists. */
const examples = pages.flatMap(({ name, text }) => {
  const blocks = [...text.matchAll(/^( *)```yaml\n(.*?)^ *```$/gms)];
  return blocks
    .map(([, indent = '', block = '']) => block.replaceAll(new RegExp(`^${indent}`, 'gm'), ''))
    .filter((block) => /^type: (Mesh|Agent)$|^kind: Mesh$/m.test(block))
    .map((block) => ({ name, block }));
});
const environment = { POD_NAMESPACE: 'shop', SERVICE_ACCOUNT: 'cart', POD_NAME: 'cart-0' };

t.ok(examples.length >= 30, 'the pages have examples');

for (const { name, block } of examples) {
  t.test(`${name}: ${block.split('\n').slice(0, 12).join(' ').slice(0, 150)}`, async (t) => {
    const { config, lines } = loadText(block, { environment });
    t.ok(config);
    t.same(
      lines.filter((line) => !line.includes('there is no Mesh document')),
      [],
    );
  });
}

t.test('whatever is called YAML is YAML', async (t) => {
  for (const { name, text } of pages) {
    for (const [, indent = '', block = ''] of text.matchAll(/^( *)```yaml\n(.*?)^ *```$/gms)) {
      const documents = parseAllDocuments(block.replaceAll(new RegExp(`^${indent}`, 'gm'), ''));
      const errors = documents.flatMap((document) => ('errors' in document ? document.errors : []));
      t.same(errors, [], `${name}: ${block.slice(0, 60)}`);
    }
  }
});

/** As GitHub makes them of titles. */
function listAnchors(text: string): Set<string> {
  const titles = [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) => title);
  return new Set(
    titles.map((title) =>
      title
        .toLowerCase()
        .replaceAll(/[^\w -]/g, '')
        .replaceAll(' ', '-'),
    ),
  );
}

t.test('links of the pages lead to pages and titles that are there', async (t) => {
  t.same(
    pages.flatMap(({ name, text }) =>
      [...text.matchAll(/\]\(([^)\s:]+)\)/g)].flatMap(([, link = '']) => {
        const [path = '', anchor] = link.split('#');
        const target = new URL(path === '' ? name : path, DOCS);
        if (!existsSync(target)) return [`${name}: ${link}`];
        return anchor === undefined || listAnchors(readFileSync(target, 'utf8')).has(anchor)
          ? []
          : [`${name}: ${link}`];
      }),
    ),
    [],
  );
  const index = pages.find(({ name }) => name === 'README.md')?.text ?? '';
  const missing = pages.filter(({ name }) => name !== 'README.md' && !index.includes(`](${name}`));
  t.same(
    missing.map(({ name }) => name),
    [],
    'and the index has all of them',
  );
});
