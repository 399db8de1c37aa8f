import { join } from 'node:path';
import t from 'tap';
import { checkCaFiles } from '../../../src/cli/ca-check.ts';
import { keyUsage, TestCa } from '../../helpers/test-ca.ts';

const NOW_MS = Date.parse('2026-06-01T00:00:00Z');
const VALID = { notBefore: new Date('2026-01-01T00:00:00Z'), notAfter: new Date('2027-01-01T00:00:00Z') };
const LAX = { ...VALID, keyUsage: keyUsage('keyCertSign', 'digitalSignature') };

const root = await TestCa.makeRoot('root', LAX);
const closest = await root.makeIntermediate('closest', { ...VALID, keyType: 'ed25519' });
const other = await TestCa.makeRoot('other', { ...VALID, ca: false });

const directory = t.testdir({
  chain: closest.certificatePem + root.certificatePem,
  key: closest.keyPem,
  both: closest.keyPem + closest.certificatePem + root.certificatePem,
  other: other.certificatePem,
  empty: '',
});

async function check(certificate: string, key?: string, output: 'text' | 'json' = 'text') {
  let out = '';
  const edge = {
    currentDirectory: directory,
    writeOut: (text: string) => {
      out += text;
    },
  };
  const code = await checkCaFiles({ certificate, key, output }, edge, { nowMs: () => NOW_MS });
  return { code, out };
}

t.test('a CA that can be used, with a warning', async (t) => {
  const { code, out } = await check('chain', 'key');
  t.equal(code, 0);
  t.equal(
    out,
    `certificate 1: closest, ed25519, until 2027-01-01T00:00:00.000Z
  pass  the basic constraints say CA:TRUE
  pass  the key usage has keyCertSign
  pass  the key usage has no keyAgreement
  pass  the key usage has no digitalSignature
  pass  the key usage has no keyEncipherment
  pass  the path length allows the CAs below it
  pass  its key can sign here
  pass  its key is long enough
  pass  it has no SPIFFE ID, or that of a trust domain
  pass  it is valid already
  pass  it is still valid
  pass  it is valid for long enough
  pass  the next certificate issued it
  pass  the key belongs to it
certificate 2: root, ec prime256v1, until 2027-01-01T00:00:00.000Z
  pass  the basic constraints say CA:TRUE
  pass  the key usage has keyCertSign
  pass  the key usage has no keyAgreement
  warn  has digitalSignature in its key usage, which a CA should not have (X509-SVID, appendix A)
  pass  the key usage has no keyEncipherment
  pass  the path length allows the CAs below it
  pass  its key is long enough
  pass  it has no SPIFFE ID, or that of a trust domain
  pass  it is valid already
  pass  it is still valid
  pass  it is valid for long enough
  pass  it is a root, which peers can trust
can be used: 25 pass, 1 warn, 0 fail
`,
  );
});

t.test('a CA that cannot', async (t) => {
  const { code, out } = await check('other', 'key');
  t.equal(code, 1);
  t.match(out, '\n  FAIL  is not the certificate of a CA: the basic constraints do not say CA:TRUE (X509-SVID, 4.1)\n');
  t.match(out, '\n  FAIL  does not belong to the key\n');
  t.match(out, /\ncannot be used: 12 pass, 0 warn, 2 fail\n$/);
});

t.test('the key is looked for beside the certificate, and may be left out', async (t) => {
  t.match(await check('both'), { code: 0, out: /the key belongs to it/ });
  const without = await check('chain');
  t.equal(without.code, 0);
  t.notMatch(without.out, /the key belongs to it/);
});

t.test('for programs', async (t) => {
  const { code, out } = await check('other', 'key', 'json');
  t.equal(code, 1);
  const { ok, certificates } = JSON.parse(out);
  t.equal(ok, false);
  t.match(certificates, [
    {
      subject: 'other',
      key: 'ec prime256v1',
      notBefore: '2026-01-01T00:00:00.000Z',
      notAfter: '2027-01-01T00:00:00.000Z',
    },
  ]);
  t.match(certificates[0].checks[0], { rule: 'not_ca', outcome: 'fail', message: /CA:TRUE/ });
  t.equal(JSON.parse((await check('chain', 'key', 'json')).out).ok, true);
});

t.test('a file that cannot be read names it', async (t) => {
  await t.rejects(check('nobody'), {
    code: 'ERR_SOURCE',
    message: `cannot read ${join(directory, 'nobody')}: no such file`,
  });
  await t.rejects(check('empty'), { code: 'ERR_SOURCE', message: /empty is empty$/ });
  await t.rejects(check('key'), {
    code: 'ERR_SOURCE',
    message: 'key holds "PRIVATE KEY" instead of a certificate in PEM',
  });
  await t.rejects(check('chain', 'other'), {
    code: 'ERR_SOURCE',
    message: /other holds "CERTIFICATE" instead of a private key/,
  });
});
