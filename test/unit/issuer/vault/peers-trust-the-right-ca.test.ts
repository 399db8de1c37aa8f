import t from 'tap';
import { AgentError } from '../../../../src/errors.ts';
import { makePrivateKey } from '../../../../src/identity/key-pair.ts';
import { derToPem } from '../../../../src/identity/pem.ts';
import { readSignedAnswer } from '../../../../src/issuer/vault/answer.ts';
import { parseCaChain } from '../../../../src/issuer/vault/ca-chain.ts';
import { TestCa } from '../../../helpers/test-ca.ts';

const root = await TestCa.makeRoot('root');
const upper = await root.makeIntermediate('upper');
const lower = await upper.makeIntermediate('lower');
const stranger = await TestCa.makeRoot('stranger');
const leaf = await lower.signLeaf(await makePrivateKey('ec-p256'));

const pem = (...ders: Buffer[]) => ders.map((der) => derToPem('CERTIFICATE', der)).join('');
const readPinned = (...cas: TestCa[]) => parseCaChain(pem(...cas.map(({ der }) => der)));
const answer = (...caChain: TestCa[]) => ({
  data: {
    certificate: pem(leaf),
    issuing_ca: pem(lower.der),
    ca_chain: caChain.map(({ der }) => pem(der)),
    expiration: 5,
  },
});

t.test('the chain runs from the leaf upwards, the root in the answer is what peers trust', async (t) => {
  const { chain, roots, notAfterSeconds, anchorIsIntermediate } = readSignedAnswer(
    answer(lower, upper, root),
    undefined,
  );
  t.same(chain, [leaf, lower.der, upper.der, root.der]);
  t.same(roots, [root.der]);
  t.equal(notAfterSeconds, 5);
  t.equal(anchorIsIntermediate, false);
});

t.test('with no root in the answer, its topmost CA is what peers trust, and that is said', async (t) => {
  const { chain, roots, anchorIsIntermediate } = readSignedAnswer(answer(lower, upper), undefined);
  t.same(chain, [leaf, lower.der, upper.der]);
  t.same(roots, [upper.der]);
  t.equal(anchorIsIntermediate, true);
  t.same(readSignedAnswer(answer(), undefined).roots, [lower.der]);
});

t.test('a configured chain is what peers trust; the answer adds no trust', async (t) => {
  const pinned = readPinned(root, upper);
  const { chain, roots, anchorIsIntermediate } = readSignedAnswer(answer(lower, stranger), pinned);
  t.same(roots, [root.der]);
  t.same(chain, [leaf, lower.der, stranger.der, upper.der], 'its intermediates complete the chain');
  t.equal(anchorIsIntermediate, false);
});

t.test('a configured chain of intermediates alone gives its topmost one', async (t) => {
  t.same(readSignedAnswer(answer(lower), readPinned(lower, upper)).roots, [upper.der]);
});

t.test('a configured chain of another CA is named', async (t) => {
  const pinned = readPinned(stranger);
  t.throws(() => readSignedAnswer(answer(lower), pinned), {
    code: 'ERR_SOURCE',
    message: /caChain is not.*"CN=lower"/,
  });
});

t.test('a configured chain holds one root and two intermediates at most, all of them CAs', async (t) => {
  t.throws(() => readPinned(root, stranger), { code: 'ERR_SOURCE', message: /2 roots, and one is allowed/ });
  const third = await lower.makeIntermediate('third');
  t.throws(() => readPinned(upper, lower, third), { message: /3 intermediates, and two are allowed/ });
  const noCa = await root.makeIntermediate('no-ca', { ca: false });
  t.throws(() => readPinned(noCa), { message: /"CN=no-ca" is no CA certificate/ });
  t.throws(() => readPinned(), { message: /no PEM certificate/ });
  const broken = () => parseCaChain(derToPem('CERTIFICATE', Buffer.from('junk')));
  t.throws(broken, { code: 'ERR_SOURCE', message: /broken certificate/ });
});

t.test('what is no answer of a PKI engine is refused', async (t) => {
  const junk = derToPem('CERTIFICATE', Buffer.from('junk'));
  const bodies: unknown[] = [
    undefined,
    'text',
    { data: null },
    { data: { certificate: 7 } },
    { data: { certificate: 'no PEM' } },
    { data: { certificate: junk } },
    { data: { certificate: pem(leaf) } },
    { data: { certificate: pem(leaf), ca_chain: [junk] } },
  ];
  for (const body of bodies) {
    t.throws(() => readSignedAnswer(body, undefined), { constructor: AgentError, code: 'ERR_CA_PROTOCOL' });
  }
});
