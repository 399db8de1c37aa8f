import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { readCaChain, splitChain } from '../../../../src/ca/ca-material.ts';
import { checkCa } from '../../../../src/ca/check-ca.ts';
import { openTestProvided } from '../../../helpers/provided.ts';

/** The sample certificate file for an intermediate CA that Kong Mesh's documentation prints; its key is nobody's. */
const SAMPLE = readFileSync(join(import.meta.dirname, 'kong-mesh-intermediate.pem'), 'utf8');
const chain = readCaChain(SAMPLE, 'the sample');

t.test('it breaks no rule while it is in force', async (t) => {
  for (const now of ['2021-06-01T00:00:00Z', '2026-06-01T00:00:00Z', '2031-04-01T00:00:00Z']) {
    const broken = checkCa(chain, undefined, Date.parse(now)).filter(({ outcome }) => outcome !== 'pass');
    t.same(broken, [], now);
  }
});

t.test('and its end is told by certificate', async (t) => {
  const at = (now: string) =>
    checkCa(chain, undefined, Date.parse(now))
      .filter(({ outcome }) => outcome !== 'pass')
      .map(({ rule, certificate }) => `${rule} ${certificate}`);
  t.same(at('2021-05-12T13:35:50Z'), ['not_yet_valid 1']);
  t.same(at('2031-05-01T00:00:00Z'), ['expires_soon 1']);
  t.same(at('2031-05-10T13:35:51Z'), ['expired 1']);
  t.same(at('2041-05-07T13:16:21Z'), ['expired 1', 'expired 2']);
});

t.test('peers trust its root, and get the intermediate from us', async (t) => {
  const bench = openTestProvided(t.testdir(), '2026-06-01T00:00:00Z');
  bench.write('cert', SAMPLE);
  t.same(await bench.issuer.readRoots(new AbortController().signal), [chain[1]?.der]);
  t.same(splitChain(chain).intermediates, [chain[0].der]);
  t.match(chain[1]?.x509.subject, /CN=KumaCA/);
});
