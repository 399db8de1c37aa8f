import t from 'tap';
import { findRoot, parseChain, parsePinnedAnchors } from '../../../../src/issuer/acmpca/anchors.ts';
import { inForce, TestCa } from '../../../helpers/test-ca.ts';

const BROKEN = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
const root = await TestCa.makeRoot('root', inForce());
const other = await TestCa.makeRoot('other', inForce());

t.test('the root is the last of the chain, or the CA itself', async (t) => {
  t.same(findRoot({ certificate: other.certificatePem, chain: root.certificatePem }), root.der);
  t.same(findRoot({ certificate: root.certificatePem, chain: '' }), root.der);
});

t.test('what is no certificate is told, and never thrown as it is', async (t) => {
  for (const [certificate, message] of [
    ['', /it holds no PEM certificate$/],
    ['hello', /it holds no PEM certificate$/],
    [BROKEN, /it holds a broken certificate$/],
  ] as const) {
    t.throws(() => parseChain({ certificate, chain: '' }), { code: 'ERR_CA_PROTOCOL', message });
  }
  t.throws(() => parseChain({ certificate: root.certificatePem, chain: BROKEN }), { code: 'ERR_CA_PROTOCOL' });
  t.throws(() => parsePinnedAnchors(BROKEN), { code: 'ERR_SOURCE', message: /broken/ });
});

t.test('several roots may be pinned: that of now and that of tomorrow', async (t) => {
  const { anchors, intermediates } = parsePinnedAnchors(root.certificatePem + other.certificatePem);
  t.same(anchors, [root.der, other.der]);
  t.same(intermediates, []);
});
