import t from 'tap';
import { openAwsAccount } from '../helpers/aws-account.ts';
import { freePort } from '../helpers/free-port.ts';
import { startPrivateCaService } from '../helpers/private-ca.ts';
import { applyAwsSetup, type SetUpAwsOptions } from '../helpers/setup-acmpca.ts';
import { uniqueName } from '../helpers/unique-name.ts';

const SECRET = 'CANARYCANARYCANARYCANARYCANARYCANARYCANA';
const service = await startPrivateCaService(t);
const account = openAwsAccount(t, service);
const EVERYTHING = { AWS_ENDPOINT_URL: service.url, AWS_ACCESS_KEY_ID: 'AKIAADMIN', AWS_SECRET_ACCESS_KEY: 'x' };

function run(t: Parameters<typeof applyAwsSetup>[0], options: Partial<SetUpAwsOptions> & { arn: string }) {
  return applyAwsSetup(t, { mesh: uniqueName('mesh'), as: EVERYTHING, ...options });
}

t.test('each right that is missing is told, with what to allow', async (t) => {
  const { arn } = await service.createCa();
  const nobody = await account.createUser(['s3:GetObject']);
  const denied = await account.judged(() => run(t, { arn, as: nobody, args: ['--role', 'web'] }));
  t.equal(denied.code, 1);
  t.same(
    Array.from(denied.out.matchAll(/; allow (\S+) to whoever runs this/g), ([, right]) => right),
    ['acm-pca:DescribeCertificateAuthority', 'iam:GetPolicy', 'iam:ListAttachedRolePolicies'],
  );
  t.equal(denied.out.match(/^DENIED /gm)?.length, 3, denied.out);
  t.equal(denied.error, '');

  const looks = await account.createUser(['acm-pca:*', 'iam:Get*', 'iam:List*']);
  const left = await account.judged(() => run(t, { arn, as: looks }));
  t.equal(left.code, 1);
  t.match(left.out, /^as it was +CA /);
  t.match(left.out, /^DENIED +IAM policy .*\n +.*; allow iam:CreatePolicy to whoever/m);
});

t.test('a CA in no state to sign is told, and its mode', async (t) => {
  const ca = await service.createCa();
  await ca.setStatus('DISABLED');
  t.match(await run(t, ca), {
    code: 1,
    out: /^WAITS +CA .*\n +the CA in AWS Private CA is DISABLED.*; enable it: aws/,
  });
  const pending = await service.createCa({ isPending: true });
  t.match(await run(t, pending), { code: 1, out: /PENDING_CERTIFICATE.*; install its certificate; .*--new-ca/ });
  const short = await service.createCa({ isShortLived: true });
  t.match(await run(t, { arn: short.arn, expiration: '30d' }), {
    code: 0,
    out: /^as it was +CA .*\n +it issues for 7 days/,
  });
  t.notMatch((await run(t, { arn: short.arn, expiration: '1d' })).out, '7 days');
});

t.test('a role that is not there, and credentials that are none', async (t) => {
  const { arn } = await service.createCa();
  const noRole = await run(t, { arn, args: ['--role', 'nobody'] });
  t.match(noRole, {
    code: 1,
    error: /for the IAM role nobody: AWS IAM refused ListAttachedRolePolicies: there is no such thing/,
  });

  const none = {
    AWS_ENDPOINT_URL: service.url,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  };
  t.match(await run(t, { arn, as: none }), {
    code: 1,
    error: /no AWS credentials were found; those of an administrator.*AWS_PROFILE/,
  });

  const conf = 'auth: {awsCredentials: {accessKey: {inlineString: AKIAADMIN}, accessKeySecret: {inlineString: x}}}';
  t.match((await run(t, { arn, conf, as: none })).code, 1, "those of the agent are not the administrator's");

  const known = await account.createUser(['iam:*']);
  const wrong = { ...known, AWS_SECRET_ACCESS_KEY: SECRET };
  const refused = await account.judged(() => run(t, { arn, as: wrong }));
  t.match(refused, {
    code: 1,
    out: '',
    error: /AWS STS refused GetCallerIdentity: our AWS credentials are not accepted/,
  });
  t.notMatch(refused.error, SECRET);
});

t.test('an address where nobody is, and arguments that do not go together', async (t) => {
  const { arn } = await service.createCa();
  const away = { ...EVERYTHING, AWS_ENDPOINT_URL: `http://127.0.0.1:${await freePort()}` };
  t.match(await run(t, { arn, as: away }), {
    code: 1,
    error: /AWS STS could not be asked for GetCallerIdentity: no connection \(ECONNREFUSED\)/,
  });
  t.match(await run(t, { arn, args: ['--policy-only'] }), { code: 2, error: /cannot be used with option/ });
});
