import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { setUpObservation } from '../../helpers/observation-bench.ts';

t.test('docs/metrics.md has a row for each metric, with its type and labels, and for no other', async (t) => {
  const { observation, issue, deliver } = await setUpObservation({ targets: ['tls:127.0.0.1:10001'] });
  deliver(await issue());
  const issuer = observation.issuer('vault-1');
  issuer.stepTook('login', 0.1);
  issuer.clockSkewSeen(1);
  issuer.credentialExpires('vault_token', 0);
  const text = await observation.metrics.render();
  const served = [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name = '', type = '']) => {
    const sample = new RegExp(`^${name}(?:_count)?(?:\\{(.*)\\})? `, 'm').exec(text);
    const labels = [...(sample?.[1] ?? '').matchAll(/(\w+)="/g)].map(([, label]) => label);
    return `${name} ${type} ${labels.sort().join()}`;
  });
  const page = readFileSync(join(import.meta.dirname, '../../../docs/metrics.md'), 'utf8');
  const documented = [...page.matchAll(/^\| `(\w+)` \| (\w+) \|([^|]*)\|/gm)].map(([, name, type, labels = '']) => {
    const names = [...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label);
    return `${name} ${type} ${names.sort().join()}`;
  });
  t.same(documented.sort(), served.sort());
  t.ok(served.length >= 17);
});
