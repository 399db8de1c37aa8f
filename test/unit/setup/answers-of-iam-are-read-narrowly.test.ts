import t from 'tap';
import { AgentError } from '../../../src/errors.ts';
import { explainRefusal } from '../../../src/setup/acmpca/explain-refusal.ts';
import { openIam } from '../../../src/setup/acmpca/iam.ts';
import { readTexts } from '../../../src/setup/acmpca/query.ts';

const ARN = 'arn:aws:iam::123456789012:policy/meshcert-default';

/** IAM that gives these answers, one after the other, and remembers what was asked. */
function openAnswers(...answers: readonly (string | AgentError)[]) {
  const calls: [string, unknown][] = [];
  const left = [...answers];
  const iam = openIam(async (action, parameters) => {
    calls.push([action, parameters]);
    const answer = left.shift() ?? '';
    if (typeof answer !== 'string') throw answer;
    return answer;
  });
  return { iam, calls };
}

const wrapVersion = (id: string, isDefault: boolean) =>
  `<member><VersionId>${id}</VersionId><IsDefaultVersion>${isDefault}</IsDefaultVersion></member>`;

t.test('texts of elements, with what XML writes otherwise', async (t) => {
  const xml =
    '<A><Code>a&amp;b &lt;c&gt; &quot;d&quot; &#39;&#x41;&unknown;</Code><Other>x</Other><Code/><Code></Code></A>';
  t.same(readTexts(xml, 'Code'), [`a&b <c> "d" 'A&unknown;`, '']);
  t.same(readTexts('<Code><Inner>x</Inner></Code>', 'Code'), []);
  t.same(readTexts('{"Code": "x"}', 'Code'), []);
});

t.test('a policy is that of its default version', async (t) => {
  const document = encodeURIComponent('{"Statement": [{"Resource": "a+b c/*"}]}');
  const { iam, calls } = openAnswers(
    `<Policy><DefaultVersionId>v7</DefaultVersionId></Policy>`,
    `<PolicyVersion><Document>${document}</Document></PolicyVersion>`,
  );
  t.same(await iam.readPolicy(ARN), { Statement: [{ Resource: 'a+b c/*' }] });
  t.same(calls[1], ['GetPolicyVersion', { PolicyArn: ARN, VersionId: 'v7' }]);
  const absent = new AgentError('ERR_CA_REFUSED', 'no', { detail: 'absent' });
  t.equal(await openAnswers(absent).iam.readPolicy(ARN), undefined);
});

t.test('what cannot be understood is refused, not taken for nothing', async (t) => {
  const version = '<DefaultVersionId>v1</DefaultVersionId>';
  await t.rejects(openAnswers('<html>').iam.readPolicy(ARN), { code: 'ERR_CA_PROTOCOL', message: /GetPolicy / });
  for (const document of ['', '<Document>%E0%A4</Document>', '<Document>{</Document>']) {
    await t.rejects(openAnswers(version, document).iam.readPolicy(ARN), { message: /GetPolicyVersion/ }, document);
  }
  await t.rejects(openAnswers('<html>').iam.replacePolicy(ARN, '{}'), { message: /ListPolicyVersions/ });
  await t.rejects(openAnswers(new AgentError('ERR_CA_DENIED', 'no')).iam.readPolicy(ARN), { code: 'ERR_CA_DENIED' });
});

t.test('the oldest version makes room, by its number, and only when there is none', async (t) => {
  const full = ['v12', 'v11', 'v10', 'v9', 'v2'].map((id) => wrapVersion(id, id === 'v2')).join('');
  const { iam, calls } = openAnswers(full);
  await iam.replacePolicy(ARN, '{}');
  t.same(calls.slice(1), [
    ['DeletePolicyVersion', { PolicyArn: ARN, VersionId: 'v9' }],
    ['CreatePolicyVersion', { PolicyArn: ARN, PolicyDocument: '{}', SetAsDefault: 'true' }],
  ]);
  const roomy = openAnswers(wrapVersion('v2', true) + wrapVersion('v1', false));
  await roomy.iam.replacePolicy(ARN, '{}');
  t.same(
    roomy.calls.map(([action]) => action),
    ['ListPolicyVersions', 'CreatePolicyVersion'],
  );
});

t.test('the policies of a role are read to their last page', async (t) => {
  const { iam, calls } = openAnswers(
    '<IsTruncated>true</IsTruncated><Marker>next&amp;</Marker><PolicyArn>a</PolicyArn>',
    '<PolicyArn>b</PolicyArn><PolicyArn>c</PolicyArn><IsTruncated>false</IsTruncated>',
  );
  t.same(await iam.listAttached('web'), ['a', 'b', 'c']);
  t.same(calls[1], ['ListAttachedRolePolicies', { RoleName: 'web', Marker: 'next&' }]);
});

for (const { name, status, code, says } of [
  {
    name: 'AccessDenied',
    status: 403,
    code: 'ERR_CA_DENIED',
    says: /do not allow it: "words"; allow iam:CreatePolicy to whoever/,
  },
  { name: 'AccessDeniedException', status: 400, code: 'ERR_CA_DENIED', says: /allow iam:CreatePolicy/ },
  { name: 'NoSuchEntity', status: 404, code: 'ERR_CA_REFUSED', says: /there is no such thing/ },
  { name: 'ExpiredToken', status: 403, code: 'ERR_LOGIN_DENIED', says: /aws sts get-caller-identity/ },
  { name: 'SignatureDoesNotMatch', status: 403, code: 'ERR_LOGIN_DENIED', says: /not accepted/ },
  { name: 'Throttling', status: 400, code: 'ERR_CA_THROTTLED', says: /again in a minute/ },
  { name: 'LimitExceeded', status: 409, code: 'ERR_CA_REFUSED', says: /refused CreatePolicy: LimitExceeded: "words"/ },
  { name: 'EntityAlreadyExists', status: 409, code: 'ERR_CA_REFUSED', says: /EntityAlreadyExists/ },
  { name: 'ServiceFailure', status: 500, code: 'ERR_CA_UNAVAILABLE', says: /answered 500/ },
  { name: '', status: 200, code: 'ERR_CA_PROTOCOL', says: /no answer of AWS IAM.*AWS_ENDPOINT_URL/ },
  {
    name: 'Error',
    status: undefined,
    code: 'ERR_CA_UNREACHABLE',
    says: /could not be asked for CreatePolicy: no answer/,
  },
]) {
  t.test(`${name || 'something else'} ${status ?? 'without an answer'} is ${code}`, async (t) => {
    const error = Object.assign(new Error('words'), { name }, status && { $metadata: { httpStatusCode: status } });
    const told = explainRefusal(error, { service: 'AWS IAM', action: 'CreatePolicy', right: 'iam:CreatePolicy' });
    t.equal(told.code, code);
    t.match(told.line, says);
    t.notMatch(told.line, '\n');
  });
}
