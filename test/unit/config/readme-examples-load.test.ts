import { readdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import { parseAllDocuments } from 'yaml';
import { loadText } from './load-text.ts';

const ROOT = new URL('../../../', import.meta.url);
const readme = readFileSync(new URL('README.md', ROOT), 'utf8');
const blocks = [...readme.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text = '']) => text);
const configurations = blocks.filter((text) => /^type: Agent$/m.test(text));
const vaultPage = readFileSync(new URL('docs/vault.md', ROOT), 'utf8');
const examples = readdirSync(new URL('examples', ROOT)).map((name) => `examples/${name}`);

t.test('every YAML block of the README is YAML', async (t) => {
  t.ok(blocks.length >= 1);
  for (const text of blocks) {
    const errors = parseAllDocuments(text).flatMap((document) => ('errors' in document ? document.errors : []));
    t.same(errors, [], text.slice(0, 60));
  }
});

t.test('every configuration in the README and in examples loads without a mistake or a warning', async (t) => {
  t.equal(configurations.length, 1, 'the README has one for a VM');
  t.ok(examples.length >= 3);
  const files = examples.map((name) => ({ name, text: readFileSync(new URL(name, ROOT), 'utf8') }));
  for (const { name, text } of [...configurations.map((text) => ({ name: 'README.md', text })), ...files]) {
    const { config, lines } = loadText(text);
    t.same(lines, [], name);
    t.ok(config?.backend, name);
  }
});

t.test('the example for Kubernetes is the file that the page on Vault names', async (t) => {
  const [, shown = ''] = /^```yaml\n(apiVersion: kuma.*?)^```$/ms.exec(vaultPage) ?? [];
  const file = readFileSync(new URL('examples/kubernetes.yaml', ROOT), 'utf8');
  const read = (text: string) => parseAllDocuments(text).map((document) => document.toJS());
  t.same(read(shown), read(file));
});

t.test('files and pages that the README links to are there', async (t) => {
  const links = [...readme.matchAll(/\]\(([^)#:]+)\)/g)].map(([, path = '']) => path);
  t.ok(links.length > 5);
  for (const path of links) t.ok(readFileSync(new URL(path, ROOT), 'utf8'), path);
  const anchors = [...readme.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor]) => anchor);
  const titles = [...readme.matchAll(/^## (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );
  t.same(
    anchors.filter((anchor) => !titles.includes(anchor ?? '')),
    [],
  );
});
