import t from 'tap';
import { makePrivateKey } from '../../../src/identity/key-pair.ts';
import { SpiffeId } from '../../../src/identity/spiffe-id.ts';
import { verifyIssued } from '../../../src/identity/verify.ts';
import { TestCa } from '../../helpers/test-ca.ts';

const NOW_MS = Date.parse('2026-01-01T00:00:00Z');
const spiffeId = new SpiffeId('default', '/web');
const privateKey = await makePrivateKey('ec-p256');
const root = await TestCa.makeRoot();
const middle = await root.makeIntermediate('middle');
const low = await middle.makeIntermediate('low');

t.test('the chain is leaf first, with the intermediates in order and without the root', (t) =>
  low.signLeaf(privateKey).then((leaf) => {
    const answer = { chain: [leaf, root.der, middle.der, low.der], roots: [root.der, root.der] };
    const { identity, warnings } = verifyIssued(answer, { spiffeId, privateKey }, NOW_MS);
    t.same(identity.chain, [leaf, low.der, middle.der]);
    t.same(identity.trustBundle, [root.der], 'a root that is given twice stands there once');
    t.same(identity.issuedAt, new Date(NOW_MS));
    t.same(identity.notAfter, new Date('2026-01-02T00:00:00Z'));
    t.same(warnings, []);
    t.end();
  }),
);

t.test('an intermediate can be the trust anchor', async (t) => {
  const leaf = await low.signLeaf(privateKey);
  const { identity } = verifyIssued({ chain: [leaf, low.der], roots: [middle.der] }, { spiffeId, privateKey }, NOW_MS);
  t.same(identity.chain, [leaf, low.der]);
});

t.test('a key that the CA made is taken when it fits', async (t) => {
  const caKey = await makePrivateKey('rsa-2048');
  const answer = {
    chain: [await root.signLeaf(caKey)],
    roots: [root.der],
    privateKeyPem: caKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
  };
  const { identity } = verifyIssued(answer, { spiffeId, privateKey }, NOW_MS);
  t.ok(identity.privateKey.equals(caKey));
});

t.test('absent key usage and basic constraints are tolerated, and said', async (t) => {
  const leaf = await root.signLeaf(privateKey, { keyUsage: null, basicConstraints: null });
  const { warnings } = verifyIssued({ chain: [leaf], roots: [root.der] }, { spiffeId, privateKey }, NOW_MS);
  t.match(warnings, [/without key usage/, /without basic constraints/]);
});
