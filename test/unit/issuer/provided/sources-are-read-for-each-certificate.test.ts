import t from 'tap';
import { openTestProvided } from '../../../helpers/provided.ts';
import { keyUsage, TestCa } from '../../../helpers/test-ca.ts';

const NOW = '2026-06-01T00:00:00Z';
const VALID = { notBefore: new Date('2026-01-01T00:00:00Z'), notAfter: new Date('2027-01-01T00:00:00Z') };

t.test('a changed CA takes effect at the next certificate', async (t) => {
  const bench = openTestProvided(t.testdir(), NOW);
  for (const keyType of ['ec-p256', 'rsa-2048', 'ed25519'] as const) {
    const root = await TestCa.makeRoot(keyType, { ...VALID, keyType });
    bench.write('cert', root.certificatePem);
    bench.write('key', root.keyPem);
    t.same((await bench.issue()).trustBundle, [root.der]);
    t.same(await bench.issuer.readRoots(new AbortController().signal), [root.der]);
  }
});

t.test('a change that is none is refused with its reason, and taken when it is mended', async (t) => {
  const bench = openTestProvided(t.testdir(), NOW);
  const root = await TestCa.makeRoot('root', VALID);
  const other = await TestCa.makeRoot('other', VALID);
  const ended = await TestCa.makeRoot('ended', { ...VALID, notAfter: new Date(NOW) });
  const weak = await TestCa.makeRoot('weak', { ...VALID, keyUsage: keyUsage('keyCertSign', 'keyAgreement') });
  const good = { cert: root.certificatePem, key: root.keyPem };
  const broken: [change: { cert?: string | undefined; key?: string | undefined }, detail: string | undefined][] = [
    [{ cert: other.certificatePem }, 'key_mismatch'],
    [{ key: other.keyPem }, 'key_mismatch'],
    [{ cert: ended.certificatePem, key: ended.keyPem }, 'expired'],
    [{ cert: weak.certificatePem, key: weak.keyPem }, 'key_agreement'],
    [{ cert: other.certificatePem + root.certificatePem }, 'issuer'],
    [{ cert: 'half a fil' }, 'malformed'],
    [{ key: '' }, undefined],
    [{ cert: undefined }, undefined],
    [{ key: undefined }, undefined],
  ];
  for (const [change, detail] of broken) {
    for (const [name, text] of Object.entries({ ...good, ...change })) bench.write(name as 'cert' | 'key', text);
    await t.rejects(bench.issue(), { code: 'ERR_SOURCE', detail, retry: 'slowly' });
    await t.rejects(bench.issuer.probe(new AbortController().signal), { code: 'ERR_SOURCE', detail });
    for (const [name, text] of Object.entries(good)) bench.write(name as 'cert' | 'key', text);
    t.same((await bench.issue()).trustBundle, [root.der]);
  }
});

t.test('the trust anchor is told without the key', async (t) => {
  const bench = openTestProvided(t.testdir(), NOW);
  const root = await TestCa.makeRoot('root', VALID);
  const closest = await root.makeIntermediate('closest', VALID);
  bench.write('cert', closest.certificatePem + root.certificatePem);
  t.same(await bench.issuer.readRoots(new AbortController().signal), [root.der]);
  await t.rejects(bench.issuer.probe(new AbortController().signal), { code: 'ERR_SOURCE' });
});

t.test('what should be mended is said once for each CA', async (t) => {
  const bench = openTestProvided(t.testdir(), NOW);
  const lax = await TestCa.makeRoot('lax', { ...VALID, keyUsage: keyUsage('keyCertSign', 'digitalSignature') });
  bench.write('cert', lax.certificatePem);
  bench.write('key', lax.keyPem);
  await bench.issue();
  await bench.issue();
  t.equal(bench.log.lines.length, 1, bench.log.lines.join());
  t.match(bench.log.lines[0], /WARN .*certificate 1 \(lax\) has digitalSignature/);
  const laxer = await TestCa.makeRoot('laxer', { ...VALID, keyUsage: keyUsage('keyCertSign', 'digitalSignature') });
  bench.write('cert', laxer.certificatePem);
  bench.write('key', laxer.keyPem);
  await bench.issue();
  t.match(bench.log.lines[1], /certificate 1 \(laxer\)/);
});

t.test('near the end of the CA, certificates end with it, which is said once', async (t) => {
  const bench = openTestProvided(t.testdir(), NOW);
  const root = await TestCa.makeRoot('root', { ...VALID, notAfter: new Date('2026-06-02T00:00:00Z') });
  bench.write('cert', root.certificatePem);
  bench.write('key', root.keyPem);
  t.equal((await bench.issue(3600)).notAfter.toISOString(), '2026-06-01T01:00:00.000Z');
  t.match(bench.log.lines, [/WARN .*ends soon, at 2026-06-02T00:00:00.000Z/]);
  for (let count = 0; count < 2; count += 1) {
    t.equal((await bench.issue(7 * 86_400)).notAfter.toISOString(), '2026-06-02T00:00:00.000Z');
  }
  t.match(bench.log.lines.slice(1), [/WARN .*certificates end with their CA, at 2026-06-02T00:00:00.000Z/]);
  t.equal(bench.log.lines.length, 2);
  bench.clock.advance(86_400_000);
  await t.rejects(bench.issue(), { code: 'ERR_SOURCE', detail: 'expired', message: /\(root\) expired at/ });
});
