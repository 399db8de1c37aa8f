import t from 'tap';
import { systemClock } from '../../src/clock.ts';
import { AgentError } from '../../src/errors.ts';
import { SpiffeId } from '../../src/identity/spiffe-id.ts';
import type { Issuer, IssuerContext } from '../../src/issuer/issuer.ts';
import { openIssuer } from '../../src/issuer/open.ts';
import { issueIdentity } from '../../src/rotation/issue-identity.ts';
import { holdOpenRequest } from '../../src/rotation/open-request.ts';
import { makeIssuerContext } from '../helpers/issuer-context.ts';
import { type PrivateCa, startPrivateCaService, useEndpoint } from '../helpers/private-ca.ts';

const service = await startPrivateCaService(t);
useEndpoint(t, service.url);
const WANTED = {
  spiffeId: new SpiffeId('default', '/web'),
  keyType: 'ec-p256',
  mayChangeKeyType: true,
  ttlSeconds: 3600,
} as const;

interface Bench {
  readonly ca: PrivateCa;
  /** One attempt after the other, as the agent makes them. */
  attempt(): Promise<{ readonly serial?: string; readonly error?: AgentError }>;
}

async function setUp(
  t: Pick<typeof import('tap').t, 'teardown'>,
  context: Partial<IssuerContext> = {},
): Promise<Bench> {
  const ca = await service.createCa();
  const issuer: Issuer = await openIssuer(ca.config, makeIssuerContext(context));
  t.teardown(() => issuer.close());
  const ports = { issuer, clock: context.clock ?? systemClock, open: holdOpenRequest() };
  return {
    ca,
    async attempt() {
      try {
        const { identity } = await issueIdentity(WANTED, ports, new AbortController().signal);
        return { serial: identity.serialNumber };
      } catch (thrown) {
        return { error: AgentError.from(thrown) };
      }
    },
  };
}

t.test('when the connection ends after the order was taken, the next attempt gets the same certificate', async (t) => {
  const { ca, attempt } = await setUp(t);
  await ca.setFaults({ action: 'IssueCertificate', drop: true, times: 2 });
  for (const _ of [1, 2]) t.equal((await attempt()).error?.code, 'ERR_CA_UNREACHABLE');
  t.ok((await attempt()).serial);
  t.equal(await ca.issued(), 1, 'one was bought');
  const orders = (await ca.calls()).filter(({ action }) => action === 'IssueCertificate');
  t.equal(orders.length, 3);
  t.equal(new Set(orders.map(({ IdempotencyToken }) => IdempotencyToken)).size, 1);
  t.equal(new Set(orders.map(({ Validity }) => Validity?.Value)).size, 1, 'nor is the end another one');
  t.match(orders[0]?.IdempotencyToken, /^[0-9a-f]{32}$/);
});

t.test('when the certificate is not ready in time, it is fetched later, and not ordered again', async (t) => {
  const { ca, attempt } = await setUp(t, { requestTimeoutMs: 700 });
  await ca.setFaults({ action: 'GetCertificate', error: 'RequestInProgressException' });
  const { error } = await attempt();
  t.equal(error?.reason, 'ca_unavailable_in_progress');
  t.match(error?.line, /has not made the certificate within 0\.7 s; .*none is bought twice/);
  await ca.setFaults();
  t.ok((await attempt()).serial);
  t.equal(await ca.issued(), 1);
  t.equal((await ca.calls()).filter(({ action }) => action === 'IssueCertificate').length, 1);
});

t.test('a certificate that may not be fetched is not bought again and again', async (t) => {
  const { ca, attempt } = await setUp(t);
  await ca.setFaults({
    action: 'GetCertificate',
    error: 'AccessDeniedException',
    message: 'User: x is not authorized',
  });
  for (const _ of [1, 2, 3]) {
    const { error } = await attempt();
    t.equal(error?.code, 'ERR_CA_DENIED');
    t.match(error?.line, 'allow acm-pca:GetCertificate');
  }
  await ca.setFaults();
  t.ok((await attempt()).serial);
  t.equal(await ca.issued(), 1);
});

t.test('while AWS is busy nothing is bought, and the next attempt goes on', async (t) => {
  const { ca, attempt } = await setUp(t);
  await ca.setFaults(
    { action: 'IssueCertificate', error: 'ThrottlingException', message: 'Rate exceeded', times: 1 },
    { action: 'GetCertificate', error: 'ThrottlingException', message: 'Rate exceeded', times: 1 },
  );
  for (const _ of [1, 2]) {
    const { error } = await attempt();
    t.equal(error?.code, 'ERR_CA_THROTTLED');
    t.equal(error?.retry, 'soon');
  }
  t.ok((await attempt()).serial);
  t.equal(await ca.issued(), 1);
  const asked = (await ca.calls()).map(({ action }) => action);
  t.same(
    asked.filter((action) => action !== 'DescribeCertificateAuthority'),
    ['IssueCertificate', 'IssueCertificate', 'GetCertificate', 'GetCertificate'],
    'one question for each attempt: the SDK tries nothing twice by itself',
  );
});

t.test('every generation is an order of its own', async (t) => {
  const { ca, attempt } = await setUp(t);
  const serials = [await attempt(), await attempt()].map(({ serial }) => serial);
  t.equal(new Set(serials).size, 2);
  t.equal(await ca.issued(), 2);
  const described = (await ca.calls()).filter(({ action }) => action === 'DescribeCertificateAuthority');
  t.equal(described.length, 1, 'what does not change is asked once');
});

t.test('a wrong certificate is not asked for again: the next attempt orders another', async (t) => {
  const { ca, attempt } = await setUp(t);
  await ca.setFaults({ action: 'IssueCertificate', otherKey: true, times: 1 });
  t.equal((await attempt()).error?.reason, 'bad_certificate_key_mismatch');
  t.ok((await attempt()).serial);
  t.equal(await ca.issued(), 2);
});
