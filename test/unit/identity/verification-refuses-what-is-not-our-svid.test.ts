import t from 'tap';
import { AgentError } from '../../../src/errors.ts';
import { makePrivateKey } from '../../../src/identity/key-pair.ts';
import { SpiffeId } from '../../../src/identity/spiffe-id.ts';
import { type Answer, type BrokenRule, verifyIssued } from '../../../src/identity/verify.ts';
import { basicConstraints, extendedKeyUsage, keyUsage, type LeafOptions, TestCa } from '../../helpers/test-ca.ts';

const NOW_MS = Date.parse('2026-01-01T00:00:00Z');
const spiffeId = new SpiffeId('default', '/web');
const root = await TestCa.makeRoot();
const otherRoot = await TestCa.makeRoot('other');
const privateKey = await makePrivateKey('ec-p256');
const otherKey = await makePrivateKey('ec-p256');

async function verify(answer: Answer) {
  return verifyIssued(answer, { spiffeId, privateKey }, NOW_MS);
}

function refusedFor(rule: BrokenRule) {
  return { code: 'ERR_BAD_CERTIFICATE', detail: rule };
}

const BAD_LEAVES: Record<string, [BrokenRule, LeafOptions]> = {
  'for another service': ['spiffe_id', { uris: ['spiffe://default/other'] }],
  'for another trust domain': ['spiffe_id', { uris: ['spiffe://elsewhere/web'] }],
  'for a second URI besides ours': ['spiffe_id', { uris: ['spiffe://default/web', 'spiffe://default/admin'] }],
  'with a path that only begins like ours': ['spiffe_id', { uris: ['spiffe://default/web/admin'] }],
  'that is a CA': ['ca_certificate', { basicConstraints: basicConstraints(true) }],
  'that may sign certificates': ['key_usage', { keyUsage: keyUsage('digitalSignature', 'keyCertSign') }],
  'that may sign revocation lists': ['key_usage', { keyUsage: keyUsage('digitalSignature', 'cRLSign') }],
  'that may not sign': ['key_usage', { keyUsage: keyUsage('keyEncipherment') }],
  'for servers only': ['extended_key_usage', { extendedKeyUsage: extendedKeyUsage('serverAuth') }],
  'for clients only': ['extended_key_usage', { extendedKeyUsage: extendedKeyUsage('clientAuth') }],
  'that has ended': ['validity', { notAfter: new Date(NOW_MS) }],
  'that has not begun': ['validity', { notBefore: new Date(NOW_MS + 1000) }],
};

for (const [what, [rule, options]] of Object.entries(BAD_LEAVES)) {
  t.test(`a certificate ${what} is refused`, async (t) => {
    const leaf = await root.signLeaf(privateKey, options);
    await t.rejects(verify({ chain: [leaf], roots: [root.der] }), refusedFor(rule));
  });
}

t.test('a certificate for another key is refused', async (t) => {
  const leaf = await root.signLeaf(otherKey);
  await t.rejects(verify({ chain: [leaf], roots: [root.der] }), refusedFor('key_mismatch'));
});

t.test('a key from the CA that does not fit its certificate is refused', async (t) => {
  const leaf = await root.signLeaf(privateKey);
  const privateKeyPem = otherKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  await t.rejects(verify({ chain: [leaf], roots: [root.der], privateKeyPem }), refusedFor('key_mismatch'));
});

t.test('a certificate of a CA that is not in the bundle is refused', async (t) => {
  const leaf = await root.signLeaf(privateKey);
  await t.rejects(verify({ chain: [leaf], roots: [otherRoot.der] }), refusedFor('chain'));
});

t.test('a certificate of a CA that only bears the name of ours is refused', async (t) => {
  const impostor = await TestCa.makeRoot('root');
  const leaf = await impostor.signLeaf(privateKey);
  await t.rejects(verify({ chain: [leaf, impostor.der], roots: [root.der] }), refusedFor('chain'));
});

t.test('a chain with a missing, an expired, a non-CA or a too deep intermediate is refused', async (t) => {
  const middle = await root.makeIntermediate('middle');
  const chainOf = async (ca: TestCa, ...more: TestCa[]) => [
    await ca.signLeaf(privateKey),
    ...more.map(({ der }) => der),
  ];
  const expired = await root.makeIntermediate('expired', { notAfter: new Date(NOW_MS) });
  const notCa = await root.makeIntermediate('no ca', { ca: false });
  const shallow = await root.makeIntermediate('shallow', { pathLength: 0 });
  const tooDeep = await shallow.makeIntermediate('too deep');
  for (const chain of [
    await chainOf(middle),
    await chainOf(expired, expired),
    await chainOf(notCa, notCa),
    await chainOf(tooDeep, tooDeep, shallow),
  ]) {
    await t.rejects(verify({ chain, roots: [root.der] }), refusedFor('chain'));
  }
});

t.test('an expired root is refused', async (t) => {
  const expired = await TestCa.makeRoot('expired', { notAfter: new Date(NOW_MS) });
  const leaf = await expired.signLeaf(privateKey);
  await t.rejects(verify({ chain: [leaf], roots: [expired.der] }), refusedFor('chain'));
});

t.test('garbage is refused in one line that does not quote it', async (t) => {
  for (const chain of [[], [Buffer.from('garbage')], [root.der.subarray(0, 40)]]) {
    const error = await verify({ chain, roots: [root.der] }).catch((thrown: unknown) => thrown);
    t.ok(error instanceof AgentError && error.detail === 'malformed' && !error.line.includes('garbage'));
  }
});
