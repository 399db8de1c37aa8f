import t from 'tap';
import { writeConfiguration } from '../helpers/agent.ts';
import { runAwsScript } from '../helpers/aws-cli.ts';
import { runCommandLine } from '../helpers/command-line.ts';
import { runDoctor } from '../helpers/doctor.ts';
import { useEnvironment } from '../helpers/environment.ts';
import { renderAcmPcaMesh } from '../helpers/kong-mesh.ts';
import { ENDPOINT_VARIABLE, startPrivateCaService } from '../helpers/private-ca.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const service = await startPrivateCaService(t);
const NO_CA = 'arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/00000000-0000-0000-0000-000000000000';

interface Statement {
  readonly Action: string | string[];
  readonly Resource: string;
}

async function setUp(directory: string, arn: string, args: readonly string[], expiration = '1h') {
  const { configFile } = writeConfiguration({ directory, mesh: renderAcmPcaMesh(arn, { expiration }) });
  return runCommandLine(['setup', 'acmpca', '-c', configFile, ...args], { directory });
}

t.test('the script makes a CA and a policy, and the agent needs nothing else', async (t) => {
  const directory = temporaryDirectory(t);
  const { code, out: script } = await setUp(directory, NO_CA, ['--new-ca', '--role', 'web']);
  t.equal(code, 0);
  const role =
    "aws iam create-role --region us-east-1 --role-name web --assume-role-policy-document '{}' > role.json\n";
  const ran = await runAwsScript(`${role}${script}`, { directory, url: service.url });
  const [, arn = ''] = /conf\.arn: (\S+)/.exec(ran) ?? [];
  t.match(arn, /^arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority\//);
  t.match(ran, 'the policy of the agents: arn:aws:iam::123456789012:policy/meshcert-default');

  useEnvironment(t, 'AWS_', {
    [ENDPOINT_VARIABLE]: service.url,
    AWS_ACCESS_KEY_ID: 'AKIAWEB',
    AWS_SECRET_ACCESS_KEY: 'x',
  });
  const { complaints, finding } = await runDoctor({ directory, mesh: renderAcmPcaMesh(arn) });
  t.same(complaints, []);
  t.match(finding('trial').cause, /^spiffe:\/\/default\/web, serial .*, issued and verified$/);

  const shown = await runAwsScript(
    `aws iam list-attached-role-policies --region us-east-1 --role-name web
aws iam get-policy-version --region us-east-1 --policy-arn arn:aws:iam::123456789012:policy/meshcert-default --version-id v1`,
    { directory, url: service.url },
  );
  t.match(shown, /"PolicyName": "meshcert-default"/);
  const [, json = ''] = /"Document": (\{[\s\S]*?\n {8}\})/.exec(shown) ?? [];
  const { Statement: statements } = JSON.parse(json) as { Statement: Statement[] };
  t.same(
    statements.map(({ Resource }) => Resource),
    [arn, arn],
  );
  const { calls } = await service.look(arn);
  const used = calls.filter(({ accessKeyId }) => accessKeyId === 'AKIAWEB').map(({ action }) => `acm-pca:${action}`);
  t.same(
    statements.flatMap(({ Action }) => Action).sort(),
    [...new Set(used)].sort(),
    'what is granted is what is used, no more and no less',
  );
});

t.test('where there is a CA, the script looks at it and makes the policy', async (t) => {
  const directory = temporaryDirectory(t);
  const { arn } = await service.createCa();
  const { out: script } = await setUp(directory, arn, []);
  const ran = await runAwsScript(script.replaceAll('meshcert-default', 'meshcert-other'), {
    directory,
    url: service.url,
  });
  t.match(ran, /^ACTIVE\n.*policy\/meshcert-other$/m);
  const gone = await setUp(directory, NO_CA, []);
  await t.rejects(
    runAwsScript(gone.out, { directory, url: service.url }),
    /ResourceNotFoundException/,
    'and ends where there is none',
  );
});

t.test('certificates that live longer than 7 days want another mode of the CA', async (t) => {
  const directory = temporaryDirectory(t);
  t.match((await setUp(directory, NO_CA, ['--new-ca'], '1d')).out, '--usage-mode SHORT_LIVED_CERTIFICATE');
  t.match((await setUp(directory, NO_CA, ['--new-ca'], '30d')).out, '--usage-mode GENERAL_PURPOSE');
});

t.test('the policy alone', async (t) => {
  const directory = temporaryDirectory(t);
  const { out } = await setUp(directory, NO_CA, ['--policy-only']);
  const { Statement: statements } = JSON.parse(out) as { Statement: readonly object[] };
  t.match(statements[0], {
    Action: 'acm-pca:IssueCertificate',
    Resource: NO_CA,
    Condition: { StringEquals: { 'acm-pca:TemplateArn': 'arn:aws:acm-pca:::template/EndEntityCertificate/V1' } },
  });
});

t.test('mistakes are told', async (t) => {
  const directory = temporaryDirectory(t);
  const { configFile } = writeConfiguration({ directory, mesh: '' });
  const { code, error } = await runCommandLine(['setup', 'acmpca', '-c', configFile], { directory });
  t.equal(code, 2);
  t.match(error, 'has no backend of the type acmpca');
  const bad = await setUp(directory, NO_CA, ['--role', 'arn:aws:iam::1:role/web']);
  t.equal(bad.code, 2);
  t.match(bad.error, 'is no name of an IAM role; give its name, not its ARN');
});
