import t from 'tap';
import { FILES, setUpObservation } from '../../helpers/observation-bench.ts';

t.test('before anything happened', async (t) => {
  const { observation } = await setUpObservation();
  t.strictSame(observation.status(), {
    mesh: 'default',
    name: 'web',
    spiffeId: 'spiffe://default/web',
    backend: 'vault-1',
    supportedBackends: ['vault-1', 'ca-2'],
    ready: false,
    notReady: ['certificate: none yet', `${FILES}: holds no certificate`],
    regenerations: 0,
    ca: { state: 'Unknown', since: '2026-01-01T00:00:00.000Z', reason: 'not asked yet' },
    deliveries: [{ name: FILES, generation: 0 }],
    credentials: [],
    agent: { version: '1.2.3', pid: 4242, startedAt: '2026-01-01T00:00:00.000Z' },
  });
});

t.test('certificate, CA health, errors and deliveries, as they change', async (t) => {
  const { clock, observation, issue, deliver, failToIssue, failToDeliver } = await setUpObservation();
  const status = () => observation.status();
  const first = await issue();
  deliver(first);
  t.strictSame(status().certificate, {
    generation: 1,
    backend: 'vault-1',
    serialNumber: first.serialNumber,
    notBefore: '2025-12-31T23:59:30.000Z',
    notAfter: '2026-01-01T01:00:00.000Z',
    issuedAt: '2026-01-01T00:00:00.000Z',
    rotatesAt: '2026-01-01T00:48:00.000Z',
    trustBundleCertificates: 1,
  });
  t.strictSame(status().ca, { state: 'Connected', since: '2026-01-01T00:00:00.000Z' });

  clock.advance(60_000);
  failToIssue();
  clock.advance(5_000);
  failToIssue();
  t.strictSame(status().ca, {
    state: 'Unknown',
    since: '2026-01-01T00:01:00.000Z',
    reason: 'no answer from the CA',
  });
  t.strictSame(status().lastError, {
    code: 'ERR_CA_UNREACHABLE',
    line: 'no answer from the CA; start it',
    at: '2026-01-01T00:01:05.000Z',
    retryAt: '2026-01-01T00:01:10.000Z',
  });

  clock.advance(5_000);
  const second = await issue();
  t.equal(status().lastError?.retryAt, undefined, 'overcome');
  t.equal(status().lastError?.code, 'ERR_CA_UNREACHABLE', 'and not forgotten');
  t.equal(status().ca.since, '2026-01-01T00:01:10.000Z');
  failToDeliver(second);
  t.strictSame(status().deliveries, [{ name: FILES, generation: 1, failing: 'no space is left; free some' }]);
  t.equal(status().lastError?.code, 'ERR_DELIVERY');
  deliver(second);
  t.strictSame(status().deliveries, [{ name: FILES, generation: 2 }]);
  t.equal(status().regenerations, 2);
  t.equal(status().lastRegeneration, '2026-01-01T00:01:10.000Z');

  clock.advance(3_600_000);
  t.equal(status().certificate, undefined, 'expired: in nobody’s service');
  t.equal(status().lastRegeneration, '2026-01-01T00:01:10.000Z');
});

t.test('credentials and clock skew, as the issuer sees them', async (t) => {
  const { observation } = await setUpObservation();
  const issuer = observation.issuer('vault-1');
  issuer.credentialExpires('service_account_token', Date.parse('2026-01-01T01:00:00Z'));
  issuer.clockSkewSeen(-1.5);
  t.match(observation.status(), {
    credentials: [{ kind: 'service_account_token', expiresAt: '2026-01-01T01:00:00.000Z' }],
    clockSkewSeconds: -1.5,
  });
});

t.test('it holds no key', async (t) => {
  const { observation, issue, deliver } = await setUpObservation();
  deliver(await issue());
  t.notMatch(JSON.stringify(observation.status()), /PRIVATE|BEGIN/);
});

t.test('waiting for a generation ends when every delivery has it, one fails, or the time is over', async (t) => {
  const { observation, issue, deliver, failToDeliver } = await setUpObservation({
    deliveries: [FILES, 'files:/other'],
  });
  const never = new AbortController().signal;
  const first = await issue();
  const waiting = observation.waitUntilDelivered(1, never);
  deliver(first);
  deliver(first, 'files:/other');
  await t.resolves(waiting);
  await t.resolves(observation.waitUntilDelivered(1, never), 'or has it already');

  const second = await issue();
  const failing = observation.waitUntilDelivered(2, never);
  failToDeliver(second);
  await t.rejects(failing, { code: 'ERR_DELIVERY' });

  const stop = new AbortController();
  const late = observation.waitUntilDelivered(2, stop.signal);
  stop.abort();
  await t.rejects(late, { code: 'ERR_AGENT', message: 'generation 2 is issued, not delivered yet' });
  await t.rejects(observation.waitUntilDelivered(2, stop.signal), { code: 'ERR_AGENT' });
});
