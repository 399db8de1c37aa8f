import { X509Certificate } from 'node:crypto';
import t, { type Test } from 'tap';
import { systemClock } from '../../src/clock.ts';
import { SpiffeId } from '../../src/identity/spiffe-id.ts';
import type { AcmPcaConfig } from '../../src/issuer/acmpca/config.ts';
import { openIssuer } from '../../src/issuer/open.ts';
import { issueIdentity } from '../../src/rotation/issue-identity.ts';
import { makeIssuerContext } from '../helpers/issuer-context.ts';
import { type PrivateCa, startPrivateCaService, useEndpoint } from '../helpers/private-ca.ts';

const service = await startPrivateCaService(t);
useEndpoint(t, service.url);
const DAY_MS = 86_400_000;
const never = () => new AbortController().signal;

async function open(t: Test, { config }: PrivateCa, more: Partial<AcmPcaConfig> = {}) {
  const context = makeIssuerContext();
  const issuer = await openIssuer({ ...config, ...more }, context);
  t.teardown(() => issuer.close());
  const issue = async (ttlSeconds = 3600) => {
    const wanted = {
      spiffeId: new SpiffeId('default', '/web'),
      keyType: 'ec-p256',
      mayChangeKeyType: true,
      ttlSeconds,
    } as const;
    return issueIdentity(wanted, { issuer, clock: systemClock }, never());
  };
  return { issuer, issue, log: () => context.log.lines.join('\n') };
}

const count = async (ca: PrivateCa, action: string) => (await ca.calls()).filter((one) => one.action === action).length;

t.test('a certificate that would outlive the CA ends with it, and that is said', async (t) => {
  const ca = await service.createCa({ lifeSeconds: 2 * 86_400 });
  const { issue, log } = await open(t, ca);
  const { identity } = await issue(30 * 86_400);
  t.equal(identity.notAfter.getTime(), new X509Certificate(ca.certificatePem).validToDate.getTime());
  t.match(log(), /certificates end with their CA.*renew the CA/);
});

t.test('a CA for short-lived certificates gives a week, and that is said', async (t) => {
  const ca = await service.createCa({ isShortLived: true });
  const { issue, log } = await open(t, ca);
  const { identity } = await issue(30 * 86_400);
  const lifeMs = identity.notAfter.getTime() - Date.now();
  t.ok(lifeMs > 6.9 * DAY_MS && lifeMs <= 7 * DAY_MS, `${lifeMs / DAY_MS} days`);
  t.match(log(), /7 days at most/);
});

t.test('a CA that has expired sells nothing', async (t) => {
  const ca = await service.createCa({ lifeSeconds: 1 });
  const { issue, issuer } = await open(t, ca);
  const expired = { code: 'ERR_CA_UNAVAILABLE', detail: 'ca_expired', retry: 'slowly', message: /is EXPIRED since 20/ };
  while (new X509Certificate(ca.certificatePem).validToDate.getTime() > Date.now() - 1) await issuer.readRoots(never());
  await t.rejects(issue(), expired);
  await t.rejects(issuer.probe(never()), expired);
  t.equal(await count(ca, 'IssueCertificate'), 0);
});

t.test('another life than asked counts, and is said', async (t) => {
  const ca = await service.createCa();
  const { issue, log } = await open(t, ca);
  await ca.setFaults({ action: 'IssueCertificate', lifeSeconds: 600 });
  const { identity } = await issue();
  t.ok(identity.notAfter.getTime() - Date.now() <= 600_000);
  t.match(log(), /certificate is shorter-lived than asked.*gotSeconds=(599|600)/);
  await ca.setFaults({ action: 'IssueCertificate', lifeSeconds: 7200 });
  await issue();
  t.match(log(), /certificate is longer-lived than asked.*gotSeconds=(7199|7200)/);
  await ca.setFaults({ action: 'IssueCertificate', lifeSeconds: 5 });
  await t.rejects(issue(), { code: 'ERR_BAD_CERTIFICATE', detail: 'validity' }, 'one that is of no use does not');
});

t.test('the pinned root is what peers trust, and its intermediates are sent along', async (t) => {
  const parent = await service.createCa();
  const ca = await service.createCa({ parent });
  const { issue, issuer } = await open(t, ca, { caCert: { kind: 'inline', value: ca.certificatePem + ca.rootPem } });
  const { identity } = await issue();
  const root = new X509Certificate(ca.rootPem).raw;
  t.same(identity.trustBundle, [root]);
  t.same(await issuer.readRoots(never()), [root]);
  t.same(identity.chain.length, 2);
  t.equal(await count(ca, 'GetCertificateAuthorityCertificate'), 0);
});

for (const [name, caCert, message] of [
  ['of another CA', async () => (await service.createCa()).certificatePem, /^conf\.caCert is not the root of the CA/],
  ['that is no certificate', async () => 'hello', /^conf\.caCert cannot be used: it holds no PEM certificate$/],
] as const) {
  t.test(`a pinned root ${name} is told`, async (t) => {
    const { issue } = await open(t, await service.createCa(), { caCert: { kind: 'inline', value: await caCert() } });
    await t.rejects(issue(), { code: 'ERR_SOURCE', message });
  });
}

t.test('a common name is asked for by the template that takes it', async (t) => {
  const ca = await service.createCa();
  const { issue } = await open(t, ca, { commonName: 'web.mesh' });
  const { identity, warnings } = await issue();
  t.equal(new X509Certificate(identity.chain[0] as Buffer).subject, 'CN=web.mesh');
  t.same(warnings, []);
  const order = (await ca.calls()).find(({ action }) => action === 'IssueCertificate');
  t.match(order?.TemplateArn, /EndEntityCertificate_APIPassthrough\/V1$/);
});

t.test('the algorithm is that of the CA, whatever our key is', async (t) => {
  for (const [keyAlgorithm, expected] of [
    ['RSA_2048', 'SHA256WITHRSA'],
    ['EC_secp384r1', 'SHA384WITHECDSA'],
  ] as const) {
    const ca = await service.createCa({ keyAlgorithm });
    await (await open(t, ca)).issue();
    const order = (await ca.calls()).find(({ action }) => action === 'IssueCertificate');
    t.equal(order?.SigningAlgorithm, expected);
    t.equal(order?.Validity?.Type, 'ABSOLUTE');
  }
});

t.test('looking after the CA costs a question now and then', async (t) => {
  const ca = await service.createCa();
  const { issue, issuer } = await open(t, ca);
  await issue();
  for (const _ of [1, 2, 3]) {
    await issuer.probe(never());
    await issuer.readRoots(never());
  }
  t.equal(await count(ca, 'DescribeCertificateAuthority'), 1);
  t.equal(await count(ca, 'GetCertificateAuthorityCertificate'), 0, 'the root came with the certificate');
});

t.test('an illness is told, and a busy AWS is none', async (t) => {
  const ca = await service.createCa();
  const { issuer } = await open(t, ca);
  await ca.setStatus('DISABLED');
  const disabled = { code: 'ERR_CA_UNAVAILABLE', detail: 'ca_disabled', message: /is DISABLED, and issues nothing/ };
  await t.rejects(issuer.probe(never()), disabled);
  await ca.setFaults({ action: 'DescribeCertificateAuthority', error: 'ThrottlingException', times: 1 });
  await t.rejects(issuer.probe(never()), disabled, 'what was seen before counts');
  await ca.setStatus('ACTIVE');
  await t.resolves(issuer.probe(never()), 'an ill one is asked each time');
});
