import { X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type LogLine, type RunningAgent, startAgent } from '../helpers/agent.ts';
import { eventually } from '../helpers/eventually.ts';
import { renderAcmPcaMesh } from '../helpers/kong-mesh.ts';
import { ENDPOINT_VARIABLE, type Fault, type PrivateCa, startPrivateCaService } from '../helpers/private-ca.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const service = await startPrivateCaService(t);
const SECRET = 'wJalrXUtnFEMIexampleSecret';

interface Trouble {
  readonly begin: (ca: PrivateCa) => Promise<void>;
  readonly end: (ca: PrivateCa) => Promise<void>;
  readonly reason: string;
  readonly event: RegExp;
  readonly remedy: RegExp;
  /** Certificates that are paid for and of no use, for each attempt. */
  readonly isPaidFor?: boolean;
}

const fault = (one: Fault): Pick<Trouble, 'begin' | 'end'> => ({
  begin: (ca) => ca.setFaults(one),
  end: (ca) => ca.setFaults(),
});

const TROUBLES: Readonly<Record<string, Trouble>> = {
  'no permission': {
    ...fault({ action: 'IssueCertificate', error: 'AccessDeniedException', message: 'User: x is not authorized' }),
    reason: 'ca_denied',
    event: /refused IssueCertificate: our AWS credentials do not allow it: "User: x is not authorized"$/,
    remedy: /^allow acm-pca:IssueCertificate; the whole policy: meshcert setup acmpca$/,
  },
  'a CA that was disabled': {
    begin: (ca) => ca.setStatus('DISABLED'),
    end: (ca) => ca.setStatus('ACTIVE'),
    reason: 'ca_unavailable_ca_state',
    event: /refused IssueCertificate: the CA is in a state in which it cannot do this: ".* DISABLED\."$/,
    remedy: /^see its status: meshcert doctor$/,
  },
  'too many requests': {
    ...fault({ action: 'IssueCertificate', error: 'ThrottlingException', message: 'Rate exceeded' }),
    reason: 'ca_throttled',
    event: /refused IssueCertificate: too many requests: "Rate exceeded"$/,
    remedy: /quota/,
  },
  'a certificate that is not made in time': {
    ...fault({ action: 'GetCertificate', error: 'RequestInProgressException' }),
    reason: 'ca_unavailable_in_progress',
    event: /^AWS Private CA has not made the certificate within 2 s$/,
    remedy: /none is bought twice/,
  },
  'a connection that ends when the order was taken': {
    ...fault({ action: 'IssueCertificate', drop: true }),
    reason: 'ca_unreachable',
    event: /could not be asked for IssueCertificate: no connection \(ECONNRESET\)/,
    remedy: /^check the way to the endpoint/,
  },
  'credentials that are not accepted': {
    ...fault({ action: 'IssueCertificate', error: 'UnrecognizedClientException', message: 'The token is invalid.' }),
    reason: 'login_denied',
    event: /our AWS credentials are not accepted: "The token is invalid\."$/,
    remedy: /aws sts get-caller-identity/,
  },
  'an AWS that is ill': {
    ...fault({ action: 'IssueCertificate', error: 'InternalFailure', status: 500 }),
    reason: 'ca_unavailable',
    event: /refused IssueCertificate: it answered 500/,
    remedy: /./,
  },
  'a certificate for somebody else': {
    ...fault({ action: 'IssueCertificate', uri: 'spiffe://default/somebody-else' }),
    reason: 'bad_certificate_spiffe_id',
    event: /the certificate is for "spiffe:\/\/default\/somebody-else" instead of "spiffe:\/\/default\/web" alone$/,
    remedy: /template of the CA/,
    isPaidFor: true,
  },
  'a certificate for another key': {
    ...fault({ action: 'IssueCertificate', otherKey: true }),
    reason: 'bad_certificate_key_mismatch',
    event: /the certificate belongs to another key$/,
    remedy: /template of the CA/,
    isPaidFor: true,
  },
  'a life too short to be of use': {
    ...fault({ action: 'IssueCertificate', lifeSeconds: 5 }),
    reason: 'bad_certificate_validity',
    event: /the certificate lives for [345]\.\d s more, too short to be handed over/,
    remedy: /dpCert\.rotation\.expiration/,
    isPaidFor: true,
  },
};

async function start(t: Test, ca: PrivateCa): Promise<RunningAgent> {
  const agent = await startAgent({
    directory: temporaryDirectory(t),
    mesh: renderAcmPcaMesh(ca.arn, { requestTimeout: '2s' }),
    env: { [ENDPOINT_VARIABLE]: service.url, AWS_ACCESS_KEY_ID: 'AKIAWEB', AWS_SECRET_ACCESS_KEY: SECRET },
  });
  t.teardown(() => agent.stop());
  await agent.waitReady();
  return agent;
}

const readSerial = ({ identity }: RunningAgent) =>
  new X509Certificate(readFileSync(join(identity, 'tls.crt'))).serialNumber;

async function expectTrouble(t: Test, agent: RunningAgent, { reason, event, remedy }: Trouble): Promise<void> {
  const said = (line: LogLine) => line.level === 'error' && event.test(line.event);
  const line = await eventually('the reason is told', () => agent.log().find(said)).catch((error: Error) => {
    throw new Error(`${error.message}\n${agent.output()}`);
  });
  t.match(String(line.remedy ?? 'x'), remedy);
  const metrics = await agent.metrics();
  t.ok(metrics.get(`meshcert_rotation_failures_total{backend="aws-1",reason="${reason}"}`), `counted as ${reason}`);
  t.notMatch(agent.output(), SECRET);
}

for (const [name, trouble] of Object.entries(TROUBLES)) {
  t.test(`${name}: the identity stays, and is renewed when that is over`, async (t) => {
    const ca = await service.createCa();
    const agent = await start(t, ca);
    const before = readSerial(agent);
    await trouble.begin(ca);
    t.not((await agent.rotate()).status, 200, 'a rotation that is asked for says so, too');
    await expectTrouble(t, agent, trouble);
    t.equal(readSerial(agent), before);
    t.equal((await agent.probe('/readyz')).status, 200, 'and is in service');
    await trouble.end(ca);
    t.equal((await agent.rotate()).status, 200);
    t.not(readSerial(agent), before);
    if (!trouble.isPaidFor) t.equal(await ca.issued(), 2, 'two certificates were bought, and both served');
  });
}

t.test('an agent that has nothing yet is told what is missing, step by step, until it has its identity', async (t) => {
  const ca = await service.createCa({ isPending: true });
  const directory = temporaryDirectory(t);
  const credentials = '{accessKey: {file: id}, accessKeySecret: {file: key}}';
  const agent = await startAgent({
    directory,
    mesh: renderAcmPcaMesh(ca.arn, { conf: `auth: {awsCredentials: ${credentials}}` }),
    env: { [ENDPOINT_VARIABLE]: service.url },
  });
  t.teardown(() => agent.stop());
  const told = (code: string, pattern: RegExp) =>
    eventually(`${code} is told`, () => agent.log().some((line) => line.code === code && pattern.test(line.event)));
  await told('ERR_SOURCE', /\/id\b/);
  t.equal((await agent.probe('/readyz')).status, 503);
  writeFileSync(join(directory, 'id'), 'AKIAFILE\n');
  writeFileSync(join(directory, 'key'), `${SECRET}\n`);
  t.not((await agent.rotate()).status, 200);
  await told('ERR_CA_UNAVAILABLE', /^the CA in AWS Private CA is PENDING_CERTIFICATE, and issues nothing$/);
  t.equal(await ca.issued(), 0);
  const { accessKeyId } = (await ca.calls()).at(-1) ?? {};
  t.equal(accessKeyId, 'AKIAFILE', 'the files were read anew');
  await ca.install();
  t.equal((await agent.rotate()).status, 200);
  await agent.waitReady();
  t.notMatch(agent.output(), SECRET);
});
