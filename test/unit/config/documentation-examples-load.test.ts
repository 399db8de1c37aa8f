import { readFileSync } from 'node:fs';
import t from 'tap';
import { loadText } from './load-text.ts';

const examples = ['configuration.md', 'workload-api.md', 'hooks.md', 'certmanager.md', 'acmpca.md'].flatMap((name) => {
  const page = readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8');
  return [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text = '']) => text);
});
const environment = { POD_NAMESPACE: 'shop', SERVICE_ACCOUNT: 'cart', POD_NAME: 'cart-0' };

t.ok(examples.length >= 6, 'the pages have examples');

for (const text of examples) {
  t.test(text.split('\n').slice(0, 12).join(' ').slice(0, 150), async (t) => {
    const { config, lines } = loadText(text, { environment });
    t.ok(config);
    t.same(
      lines.filter((line) => !line.includes('there is no Mesh document')),
      [],
    );
  });
}
