import { readFileSync } from 'node:fs';
import t from 'tap';
import { makeInstruments } from '../../../src/signer/instruments.ts';
import { DENIALS } from '../../../src/signer/judge.ts';

const page = readFileSync(new URL('../../../docs/signer.md', import.meta.url), 'utf8');

t.test('every reason to deny, and no other', async (t) => {
  const [, table = ''] = /## What it signs\n(.*?)\n## /s.exec(page) ?? [];
  const told = [...table.matchAll(/^\|.*\| `(\w+)` \|$/gm)].map(([, reason]) => reason);
  t.same(told.toSorted(), [...DENIALS].sort());
});

t.test('every metric, with its labels', async (t) => {
  const metrics = await makeInstruments(['ca-1'], '1', '24').registry.getMetricsAsJSON();
  const rows = new Map(
    [...page.matchAll(/^\| `(meshcert_\w+)` \| (\w+) \| (.*?) \|/gm)].map(([, name, type, labels]) => [
      name,
      { type, labels },
    ]),
  );
  const own = metrics.filter(({ name }) => name.startsWith('meshcert_signer_'));
  t.same([...rows.keys()].sort(), own.map(({ name }) => name).sort());
  for (const { name, type } of own) t.equal(rows.get(name)?.type, type as unknown as string, name);
});
