import { X509Certificate } from 'node:crypto';
import t from 'tap';
import { type CaMaterial, readCaMaterial } from '../../../src/ca/ca-material.ts';
import { certify } from '../../../src/ca/certificate-authority.ts';
import { parseCertificate } from '../../../src/identity/certificate.ts';
import { makeCsr } from '../../../src/identity/csr.ts';
import { decodeAll, decodeOne, TAG } from '../../../src/identity/der.ts';
import { makePrivateKey } from '../../../src/identity/key-pair.ts';
import { derToPem } from '../../../src/identity/pem.ts';
import { SpiffeId } from '../../../src/identity/spiffe-id.ts';
import { verifyWithOpenssl } from '../../helpers/openssl.ts';
import { makeOpensslCa } from '../../helpers/openssl-ca.ts';
import { TestCa, type TestCaOptions } from '../../helpers/test-ca.ts';

const NOW_MS = Date.parse('2026-06-01T00:00:00Z');
const HOUR_MS = 3_600_000;
const spiffeId = new SpiffeId('default', '/web');
const csr = makeCsr(spiffeId, await makePrivateKey('ec-p256'));

const sign = (ca: CaMaterial, nowMs = NOW_MS, ttlSeconds = 3600) =>
  certify(ca, { csr, spiffeId: spiffeId.toString(), ttlSeconds }, nowMs);

function materialOf(...cas: readonly TestCa[]): CaMaterial {
  return readCaMaterial(cas.map((ca) => ca.certificatePem).join(''), cas[0]?.keyPem, 'it');
}

function validity(options: TestCaOptions = {}): TestCaOptions {
  return { notBefore: new Date(NOW_MS - HOUR_MS), notAfter: new Date(NOW_MS + 1000 * HOUR_MS), ...options };
}

t.test('signatures follow the key of the CA', async (t) => {
  for (const [keyType, algorithm] of [
    ['ec-p256', 'ecdsa-with-SHA256'],
    ['ec-p384', 'ecdsa-with-SHA384'],
    ['ec-p521', 'ecdsa-with-SHA512'],
    ['rsa-2048', 'sha256WithRSAEncryption'],
    ['ed25519', 'ED25519'],
  ] as const) {
    const root = await TestCa.makeRoot('root', validity({ keyType }));
    const { chain } = await sign(materialOf(root));
    const leaf = new X509Certificate(chain[0]);
    t.equal(leaf.signatureAlgorithm, algorithm);
    t.ok(leaf.verify(new X509Certificate(root.der).publicKey));
  }
});

t.test('a leaf begins a little ago, but not before its CA', async (t) => {
  const begin = async (notBefore: Date) => {
    const { chain } = await sign(materialOf(await TestCa.makeRoot('root', validity({ notBefore }))));
    return new X509Certificate(chain[0]).validFromDate.getTime() - NOW_MS;
  };
  t.equal(await begin(new Date(NOW_MS - HOUR_MS)), -30_000);
  t.equal(await begin(new Date(NOW_MS - 5000)), -5000);
});

t.test('a leaf ends when it was asked to, or with the first of its CAs that ends', async (t) => {
  const root = await TestCa.makeRoot('root', validity({ notAfter: new Date(NOW_MS + 2 * HOUR_MS) }));
  const longer = await root.makeIntermediate('closest', validity({ notAfter: new Date(NOW_MS + 9 * HOUR_MS) }));
  const ca = materialOf(longer, root);
  const inTime = await sign(ca);
  t.equal(parseCertificate(inTime.chain[0]).x509.validToDate.getTime(), NOW_MS + HOUR_MS);
  t.equal(inTime.cappedAt, undefined);
  const capped = await sign(ca, NOW_MS, 3 * 3600);
  t.equal(parseCertificate(capped.chain[0]).x509.validToDate.getTime(), NOW_MS + 2 * HOUR_MS);
  t.same(capped.cappedAt, new Date(NOW_MS + 2 * HOUR_MS));
  await t.rejects(sign(ca, NOW_MS + 2 * HOUR_MS), { code: 'ERR_CA_REFUSED', detail: 'expired' });
});

t.test('a leaf comes with what stands between it and the trust anchor', async (t) => {
  const root = await TestCa.makeRoot('root', validity());
  const upper = await root.makeIntermediate('upper', validity());
  const closest = await upper.makeIntermediate('closest', validity());
  const whole = await sign(materialOf(closest, upper, root));
  t.same(whole.chain.slice(1), [closest.der, upper.der]);
  t.same(whole.trustAnchor, root.der);
  const headless = await sign(materialOf(closest, upper));
  t.same(headless.chain.slice(1), [closest.der]);
  t.same(headless.trustAnchor, upper.der);
});

t.test("the issuer's name and key identifier are those of the CA, byte by byte", async (t) => {
  for (const [subject, stringMask] of [
    ['/C=GB/ST=England/O=Alice Ltd/CN=KumaCA', 'utf8only'],
    ['/C=GB/ST=England/O=Alice Ltd/CN=KumaCA', 'default'],
    ['/CN=Ünïcödé', 'default'],
    ['/CN=Ünïcödé ☃', 'utf8only'],
    ['/CN=Ünïcödé ☃', 'pkix'],
    ['/O=a+OU=b+CN=multi valued', 'utf8only'],
    ['/emailAddress=ca@example.org/DC=org/DC=example/CN=with, "odd" = signs \\+ \\/ #', 'utf8only'],
  ] as const) {
    const made = await makeOpensslCa(undefined, subject, stringMask);
    const { chain, trustAnchor } = await sign(readCaMaterial(made.certificatePem, made.keyPem, 'it'), Date.now());
    t.ok(chain[0].includes(subjectOf(trustAnchor)), `${subject} (${stringMask})`);
    await verifyWithOpenssl(derToPem('CERTIFICATE', chain[0]), { intermediates: [], roots: [made.certificatePem] });
  }
});

t.test('a CA whose key identifier is no SHA-1 of its key is found by it', async (t) => {
  const now = Date.now();
  const long = { notBefore: new Date(now - HOUR_MS), notAfter: new Date(now + 1000 * HOUR_MS) };
  for (const keyIdentifier of ['0102030405060708', null]) {
    const root = await TestCa.makeRoot('root', long);
    const closest = await root.makeIntermediate('closest', { ...long, keyIdentifier });
    const { chain } = await sign(materialOf(closest, root), now);
    const [leaf, ...intermediates] = chain.map((der) => derToPem('CERTIFICATE', der));
    const roots = [root.certificatePem];
    await t.resolves(verifyWithOpenssl(leaf ?? '', { intermediates, roots, isStrict: keyIdentifier !== null }));
  }
});

t.test('dates beyond 2049 are written in their own form', async (t) => {
  const nowMs = Date.parse('2049-12-31T23:30:00Z');
  const root = await TestCa.makeRoot('root', { notAfter: new Date('2090-01-01T00:00:00Z') });
  const { chain } = await sign(materialOf(root), nowMs);
  t.equal(new X509Certificate(chain[0]).validToDate.toISOString(), '2050-01-01T00:30:00.000Z');
});

/** The subject's content in DER (RFC 5280, 4.1). */
function subjectOf(der: Buffer): Buffer {
  const [toBeSigned] = decodeAll(decodeOne(der, TAG.sequence).content);
  const [, , , , , subject] = decodeAll(toBeSigned?.content ?? Buffer.alloc(0));
  return subject?.content ?? Buffer.alloc(0);
}
