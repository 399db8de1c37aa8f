import t from 'tap';
import { describeRule, findNeededRule, makePath } from '../../../src/kubernetes/paths.ts';
import { explainStatus } from '../../../src/kubernetes/status-errors.ts';

const requests = { group: 'cert-manager.io', version: 'v1', resource: 'certificaterequests', namespace: 'shop' };

t.test('paths are made and understood', async (t) => {
  t.equal(makePath(requests), '/apis/cert-manager.io/v1/namespaces/shop/certificaterequests');
  t.equal(makePath({ group: '', version: 'v1', resource: 'namespaces' }, 'shop'), '/api/v1/namespaces/shop');
  t.equal(makePath(requests, '../x', 'status').split('/').at(-2), '..%2Fx', 'a name leads nowhere else');
  const rules = [
    ['POST', makePath(requests), false, 'create certificaterequests shop'],
    ['GET', makePath(requests), false, 'list certificaterequests shop'],
    ['GET', makePath(requests), true, 'watch certificaterequests shop'],
    ['GET', makePath(requests, 'a'), false, 'get certificaterequests shop'],
    ['PATCH', makePath(requests, 'a', 'status'), false, 'patch certificaterequests/status shop'],
    ['DELETE', '/api/v1/namespaces/shop/secrets/a', false, 'delete secrets shop'],
    ['GET', '/api/v1/namespaces/shop', false, 'get namespaces undefined'],
    [
      'PUT',
      '/apis/certificates.k8s.io/v1/certificatesigningrequests/a/approval',
      false,
      'update certificatesigningrequests/approval undefined',
    ],
  ] as const;
  for (const [method, path, isWatch, expected] of rules) {
    const rule = findNeededRule(method, path, isWatch);
    t.equal(`${rule?.verb} ${rule?.resource} ${rule?.namespace}`, expected);
  }
  t.equal(findNeededRule('GET', '/version', false), undefined);
  const rule = { group: '', resource: 'secrets', verb: 'get', namespace: undefined };
  t.equal(describeRule(rule), 'in a ClusterRole: {apiGroups: [""], resources: ["secrets"], verbs: ["get"]}');
});

const explain = (status: number, message: string, path = makePath(requests), retryAfterMs?: number) =>
  explainStatus(
    { status, body: { kind: 'Status', message, code: status }, retryAfterMs },
    { address: 'https://api', method: 'POST', path, isWatch: false },
  );

t.test('every status has its code, and what to do', async (t) => {
  const forbidden =
    'certificaterequests is forbidden: User "u" cannot create resource "certificaterequests" in API group';
  t.match(explain(403, forbidden), {
    code: 'ERR_CA_DENIED',
    status: 403,
    remedy: /^grant it in a Role of the namespace "shop"/,
  });
  const webhook = explain(403, 'admission webhook "policy" denied the request: no');
  t.match(webhook, { code: 'ERR_CA_REFUSED', message: /admission webhook "policy" denied/ });
  t.equal(webhook.remedy, undefined, 'no rule helps against a webhook');
  t.match(explain(401, 'Unauthorized'), { code: 'ERR_LOGIN_DENIED', status: 401 });
  t.match(explain(404, 'not found'), { code: 'ERR_CA_REFUSED', status: 404 });
  t.match(explain(409, 'changed'), { code: 'ERR_CA_REFUSED', status: 409, retry: 'soon' });
  t.match(explain(422, 'invalid'), { code: 'ERR_CA_REFUSED', status: 422 });
  t.match(explain(429, 'slow down', undefined, 7_000), {
    code: 'ERR_CA_THROTTLED',
    retryAfterMs: 7_000,
    retry: 'soon',
  });
  t.match(explain(503, 'etcd is away'), { code: 'ERR_CA_UNAVAILABLE', retry: 'soon' });
  t.match(explain(302, ''), { code: 'ERR_CA_PROTOCOL' });
});

t.test('what a server says is quoted in one bounded line, and the value of a secret is not', async (t) => {
  const long = explain(400, `a\nb ${'x'.repeat(5_000)}`);
  t.match(long.message, /: a b/);
  t.ok(long.message.length < 500);
  const secrets = '/api/v1/namespaces/shop/secrets';
  t.notMatch(explain(422, 'data: Invalid value: "SENSITIVE"', secrets).line, /SENSITIVE/);
  t.notMatch(explain(400, 'cannot read "SENSITIVE"', `${secrets}/a`).line, /SENSITIVE/);
});
