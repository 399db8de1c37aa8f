import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parseAllDocuments } from 'yaml';
import { WISHES } from '../../../src/inject/names.ts';
import { makeInstruments } from '../../../src/webhook/instruments.ts';
import { injectAsItIs } from './inject-bench.ts';

const page = readFileSync(join(import.meta.dirname, '../../../docs/kubernetes.md'), 'utf8');

t.test('docs/kubernetes.md has a row for each annotation, and for no other', async (t) => {
  const rows = [...page.matchAll(/^\| `meshcert\.io\/([\w-]+)` \|/gm)].map(([, name]) => name);
  t.same(rows.sort(), [...WISHES].sort());
});

t.test('and for each metric of the webhook, with its type and labels', async (t) => {
  const served = (await makeInstruments({ version: '1', nodeVersion: 'v24' }).registry.getMetricsAsJSON()).map(
    ({ name, type, values }) =>
      `${name} ${type} ${
        String(type) === 'histogram'
          ? ''
          : Object.keys(values[0]?.labels ?? {})
              .sort()
              .join()
      }`,
  );
  const rows = [...page.matchAll(/^\| `(meshcert_\w+)` \| (\w+) \|([^|]*)\|/gm)].map(([, name, type, labels = '']) => {
    const names = [...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label);
    return `${name} ${type} ${names.sort().join()}`;
  });
  t.same(rows.sort(), served.sort());
});

t.test('its first example is injected', async (t) => {
  const [, text = ''] = /^```yaml\n(.*?)^```$/ms.exec(page) ?? [];
  const deployment = parseAllDocuments(text)[0]?.toJS();
  t.equal(injectAsItIs(deployment.spec.template).pod.spec.initContainers[0]?.name, 'meshcert');
});
