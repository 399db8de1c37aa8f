import t from 'tap';
import { type CaChain, readCaChain } from '../../../src/ca/ca-material.ts';
import type { CaRule } from '../../../src/ca/ca-rules.ts';
import { checkCa, requireCa } from '../../../src/ca/check-ca.ts';
import { makeOpensslCa } from '../../helpers/openssl-ca.ts';
import { keyUsage, TestCa, type TestCaOptions } from '../../helpers/test-ca.ts';

const DAY_MS = 86_400_000;
const NOW_MS = Date.parse('2026-06-01T00:00:00Z');
const VALID = { notBefore: new Date(NOW_MS - 100 * DAY_MS), notAfter: new Date(NOW_MS + 400 * DAY_MS) };

const root = await TestCa.makeRoot('root', VALID);

function chainOf(...cas: readonly TestCa[]): CaChain {
  return readCaChain(cas.map(({ certificatePem }) => certificatePem).join(''), 'the chain');
}

/** Everything but what passed, as `certificate rule outcome message`. */
function findBroken(cas: readonly TestCa[], key: TestCa | undefined = cas[0], nowMs = NOW_MS): string[] {
  return checkCa(chainOf(...cas), key?.privateKey, nowMs)
    .filter(({ outcome }) => outcome !== 'pass')
    .map(({ certificate, rule, outcome, message }) => `${certificate} ${rule} ${outcome} ${message}`);
}

t.test('a CA as it should be breaks no rule', async (t) => {
  for (const keyType of ['ec-p256', 'ec-p384', 'ec-p521', 'rsa-2048', 'ed25519'] as const) {
    t.same(findBroken([await TestCa.makeRoot('root', { ...VALID, keyType })]), []);
  }
  const named = await TestCa.makeRoot('root', { ...VALID, uris: ['spiffe://default', 'https://example.org/ca'] });
  t.same(findBroken([named]), []);
  const upper = await root.makeIntermediate('upper', { ...VALID, pathLength: 1, keyType: 'rsa-2048' });
  const closest = await upper.makeIntermediate('closest', { ...VALID, pathLength: 0, keyType: 'ed25519' });
  t.same(findBroken([closest, upper, root]), []);
});

const ROOTS: readonly [name: string, options: TestCaOptions, broken: readonly string[]][] = [
  [
    'no CA',
    { ca: false },
    ['1 not_ca fail is not the certificate of a CA: the basic constraints do not say CA:TRUE (X509-SVID, 4.1)'],
  ],
  [
    'no keyCertSign',
    { keyUsage: keyUsage('cRLSign') },
    ['1 key_cert_sign fail may not sign certificates: the key usage lacks keyCertSign (X509-SVID, 4.3)'],
  ],
  [
    'no key usage at all',
    { keyUsage: null },
    ['1 key_cert_sign fail may not sign certificates: the key usage lacks keyCertSign (X509-SVID, 4.3)'],
  ],
  [
    'keyAgreement',
    { keyUsage: keyUsage('keyCertSign', 'keyAgreement') },
    ['1 key_agreement fail has keyAgreement in its key usage, which a CA must not have (X509-SVID, appendix A)'],
  ],
  [
    'digitalSignature and keyEncipherment',
    { keyUsage: keyUsage('keyCertSign', 'digitalSignature', 'keyEncipherment') },
    [
      '1 digital_signature warn has digitalSignature in its key usage, which a CA should not have (X509-SVID, appendix A)',
      '1 key_encipherment warn has keyEncipherment in its key usage, which a CA should not have (X509-SVID, appendix A)',
    ],
  ],
  [
    'a short RSA key',
    { keyType: 'rsa-1024' },
    ['1 key_size warn has an RSA key of 1024 bits, which many peers refuse: expected 2048 or more'],
  ],
  [
    'the SPIFFE ID of a workload',
    { uris: ['spiffe://default/web'] },
    ['1 spiffe_id warn has the SPIFFE ID of a workload, "spiffe://default/web" (X509-SVID, 3.2)'],
  ],
  [
    'ended',
    { notAfter: new Date(NOW_MS) },
    ['1 expired fail expired at 2026-06-01T00:00:00.000Z, and the clock shows 2026-06-01T00:00:00.000Z'],
  ],
  [
    'not begun',
    { notBefore: new Date(NOW_MS + 1000) },
    ['1 not_yet_valid fail begins at 2026-06-01T00:00:01.000Z, and the clock shows 2026-06-01T00:00:00.000Z'],
  ],
  [
    'soon at its end',
    { notAfter: new Date(NOW_MS + 20 * DAY_MS) },
    ['1 expires_soon warn ends soon, at 2026-06-21T00:00:00.000Z; no certificate outlives it'],
  ],
];

for (const [name, options, broken] of ROOTS) {
  t.test(`${name}: its own rule, and no other`, async (t) => {
    t.same(findBroken([await TestCa.makeRoot('root', { ...VALID, ...options })]), broken);
  });
}

t.test('a key that cannot sign here', async (t) => {
  for (const [newKey, name] of [
    [['ec', '-pkeyopt', 'ec_paramgen_curve:secp256k1'], 'ec secp256k1'],
    [['rsa-pss', '-pkeyopt', 'rsa_keygen_bits:2048'], 'rsa-pss 2048'],
    [['ed448'], 'ed448'],
  ] as const) {
    const { certificatePem } = await makeOpensslCa(['-newkey', ...newKey]);
    const broken = checkCa(readCaChain(certificatePem, 'it'), undefined, Date.now()).filter(
      ({ outcome }) => outcome !== 'pass',
    );
    t.match(broken, [
      {
        rule: 'key_type',
        outcome: 'fail',
        message: `has a key that cannot sign here (${name}): expected RSA, EC P-256, P-384 or P-521, or Ed25519`,
      },
    ]);
  }
});

t.test('a CA that lives for days only is not always at its end', async (t) => {
  const week = { notBefore: new Date(NOW_MS - DAY_MS), notAfter: new Date(NOW_MS + 6 * DAY_MS) };
  t.same(findBroken([await TestCa.makeRoot('short', week)]), []);
});

t.test('each certificate of a chain is held to the rules', async (t) => {
  const lax = await TestCa.makeRoot('lax', { ...VALID, keyUsage: keyUsage('keyCertSign', 'keyAgreement') });
  const below = await lax.makeIntermediate('below', VALID);
  t.match(findBroken([below, lax]), [/^2 key_agreement fail/]);
  const narrow = await TestCa.makeRoot('narrow', { ...VALID, pathLength: 0 });
  const tooDeep = await narrow.makeIntermediate('too deep', VALID);
  t.same(findBroken([tooDeep, narrow]), [
    '2 path_length fail allows 0 CAs below it, and there are 1 (RFC 5280, 4.2.1.9)',
  ]);
  t.match(findBroken([await root.makeIntermediate('x', VALID), root], undefined, VALID.notAfter.getTime()), [
    /^1 expired fail/,
    /^2 expired fail/,
  ]);
});

t.test('a chain stands in order, closest CA first', async (t) => {
  const upper = await root.makeIntermediate('upper', VALID);
  const closest = await upper.makeIntermediate('closest', VALID);
  const order = 'expected the closest CA first, each followed by the one that issued it';
  t.same(findBroken([closest, root, upper]), [
    `1 issuer fail was not issued by certificate 2: ${order}`,
    `2 issuer fail was not issued by certificate 3: ${order}`,
    '3 root warn is trusted by peers, but it is no root, and programs that demand one refuse it: add the certificates up to the root',
  ]);
  t.match(findBroken([closest, root]), [/^1 issuer fail/], 'one is missing');
  t.match(findBroken([root, upper, closest], closest), [
    /^1 issuer fail/,
    '1 key_mismatch fail does not belong to the key: certificate 3 does, and has to stand first',
    /^2 issuer fail/,
    /^3 root warn/,
  ]);
  const namesake = await TestCa.makeRoot('root', VALID);
  t.match(findBroken([await root.makeIntermediate('x', VALID), namesake]), [/^1 issuer fail/], 'only the names fit');
});

t.test('the key is that of the first certificate', async (t) => {
  for (const keyType of ['ec-p256', 'rsa-2048', 'ed25519'] as const) {
    const other = await TestCa.makeRoot('other', { ...VALID, keyType });
    t.same(findBroken([root], other), ['1 key_mismatch fail does not belong to the key']);
  }
  const rules = checkCa(chainOf(root), undefined, NOW_MS).map(({ rule }) => rule);
  t.notOk(rules.includes('key_mismatch'), 'where it is not at hand, nothing is said of it');
});

t.test('what is broken becomes one error, what should be mended sentences', async (t) => {
  const bad = await TestCa.makeRoot('bad', { ...VALID, ca: false, keyUsage: keyUsage('keyAgreement') });
  const require = (ca: TestCa) => requireCa(chainOf(ca), ca.privateKey, NOW_MS, 'the CA of backend "ca-1"', 'mend it');
  t.throws(() => require(bad), {
    code: 'ERR_SOURCE',
    detail: 'not_ca' satisfies CaRule,
    line:
      'the CA of backend "ca-1" cannot be used: certificate 1 (bad) is not the certificate of a CA: the basic ' +
      'constraints do not say CA:TRUE (X509-SVID, 4.1), and 2 more; mend it',
  });
  const lax = await TestCa.makeRoot('lax', { ...VALID, keyUsage: keyUsage('keyCertSign', 'digitalSignature') });
  t.same(require(lax), [
    'the CA of backend "ca-1": certificate 1 (lax) has digitalSignature in its key usage, which a CA should not have (X509-SVID, appendix A)',
  ]);
});
