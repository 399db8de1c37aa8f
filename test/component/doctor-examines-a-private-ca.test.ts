import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { runDoctor } from '../helpers/doctor.ts';
import { useEnvironment } from '../helpers/environment.ts';
import { renderAcmPcaMesh } from '../helpers/kong-mesh.ts';
import { type CaOptions, ENDPOINT_VARIABLE, startPrivateCaService } from '../helpers/private-ca.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const service = await startPrivateCaService(t);
const CREDENTIALS = { AWS_ACCESS_KEY_ID: 'AKIAWEB', AWS_SECRET_ACCESS_KEY: 'secret-of-web' };

async function setUp(t: Test, options: CaOptions = {}, environment: Readonly<Record<string, string>> = CREDENTIALS) {
  useEnvironment(t, 'AWS_', {
    [ENDPOINT_VARIABLE]: service.url,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: '/nonexistent',
    AWS_SHARED_CREDENTIALS_FILE: '/nonexistent',
    ...environment,
  });
  const ca = await service.createCa(options);
  const directory = temporaryDirectory(t);
  const examine = (mesh: Parameters<typeof renderAcmPcaMesh>[1] = {}, args: readonly string[] = []) =>
    runDoctor({ directory, mesh: renderAcmPcaMesh(ca.arn, mesh), args });
  return { ca, directory, examine };
}

t.test('all is well', async (t) => {
  const { ca, examine } = await setUp(t);
  const { code, complaints, findings, text } = await examine();
  t.equal(code, 0);
  t.same(complaints, []);
  t.same(
    findings.map(({ check, verdict }) => `${check} ${verdict}`),
    ['credentials pass', 'ca pass', 'trust pass', 'trial pass'],
  );
  t.equal(await ca.issued(), 1);
  t.notMatch(text, 'secret-of-web');
});

t.test('without a trial nothing is bought', async (t) => {
  const { ca, examine } = await setUp(t);
  t.equal((await examine({}, ['--no-trial'])).code, 0);
  t.equal(await ca.issued(), 0);
});

t.test('no credentials: nothing else is tried', async (t) => {
  const { examine } = await setUp(t, {}, {});
  const { code, finding } = await examine();
  t.equal(code, 1);
  t.match(finding('credentials'), { verdict: 'fail', cause: 'no AWS credentials were found' });
  t.match(finding('trial'), { verdict: 'skip', waitsFor: 'credentials' });
});

t.test('a CA that cannot issue', async (t) => {
  const { ca, examine } = await setUp(t);
  await ca.setStatus('DISABLED');
  const { finding } = await examine();
  t.match(finding('ca'), { verdict: 'fail', cause: 'the CA is DISABLED, and issues nothing' });
  t.match(finding('ca').command, /^aws acm-pca update-certificate-authority .* --status ACTIVE$/);
  t.match(finding('trial'), { verdict: 'skip', waitsFor: 'ca' });
});

t.test('a missing right is named, with what prints the policy', async (t) => {
  const { ca, examine } = await setUp(t);
  await ca.setFaults({
    action: 'GetCertificate',
    error: 'AccessDeniedException',
    message: 'User: x is not authorized',
  });
  const { complaints, finding } = await examine();
  t.equal(complaints.length, 1);
  t.match(finding('trial').remedy, /^allow acm-pca:GetCertificate; the whole policy: meshcert setup acmpca$/);
});

t.test('lives that do not fit', async (t) => {
  const short = await setUp(t, { lifeSeconds: 5 * 86_400 });
  t.match((await short.examine({ expiration: '30d' })).finding('ca'), {
    verdict: 'warn',
    cause: /^the CA ends in 4d23h.*, before a certificate of 30d would$/,
  });
  t.match((await short.examine()).finding('ca'), { verdict: 'warn', cause: /^the CA ends in 4d23h/ });
  const week = await setUp(t, { isShortLived: true });
  t.match((await week.examine({ expiration: '30d' })).finding('ca').cause, 'the CA issues for 7 days at most, and 30d');
});

t.test('a pinned root that is not that of the CA', async (t) => {
  const { directory, examine } = await setUp(t);
  const file = join(directory, 'root.pem');
  writeFileSync(file, (await service.createCa()).certificatePem);
  const { finding } = await examine({ conf: `caCert: {file: ${file}}` });
  t.match(finding('trust'), { verdict: 'warn', cause: /^conf\.caCert does not hold the root of the CA/ });
  t.match(finding('trial'), { verdict: 'fail', cause: /^conf\.caCert is not the root of the CA/ });
});
