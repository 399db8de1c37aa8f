import t from 'tap';
import { AgentError } from '../../../src/errors.ts';
import type { Injection } from '../../../src/inject/inject-pod.ts';
import { type AdmissionPorts, answerAdmission } from '../../../src/webhook/admission.ts';

const request = {
  uid: 'u-1',
  kind: { group: '', version: 'v1', kind: 'Pod' },
  namespace: 'shop',
  operation: 'CREATE',
  object: { metadata: { generateName: 'web-' }, spec: { containers: [{ name: 'web' }] } },
};
const review = (changes: object = {}) => ({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: { ...request, ...changes },
});

const NOTHING: Injection = { operations: [], warnings: [] };
function ask(body: unknown, inject: AdmissionPorts['inject'] = () => NOTHING, more: Partial<AdmissionPorts> = {}) {
  const readNamespace = async (name: string) => ({ name, metadata: {} });
  return answerAdmission(typeof body === 'string' ? body : JSON.stringify(body), { readNamespace, inject, ...more });
}

t.test('a pod that is injected', async (t) => {
  const seen: unknown[] = [];
  const { outcome, status, body } = await ask(review(), (pod, namespace) => {
    seen.push(pod, namespace);
    const path = ['metadata', 'labels', 'meshcert.io/in~jected'];
    return { operations: [{ op: 'add', path, value: 'true' }], warnings: ['mind this'] };
  });
  t.equal(outcome, 'injected');
  t.equal(status, 200);
  t.same(seen, [request.object, { name: 'shop', metadata: {} }]);
  const { response, ...rest } = JSON.parse(body);
  t.same(rest, { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' });
  const { patch, ...answered } = response;
  t.same(answered, { uid: 'u-1', allowed: true, patchType: 'JSONPatch', warnings: ['mind this'] });
  t.same(JSON.parse(Buffer.from(patch, 'base64').toString()), [
    { op: 'add', path: '/metadata/labels/meshcert.io~1in~0jected', value: 'true' },
  ]);
});

t.test('what is not to be changed is let through', async (t) => {
  const never = () => {
    throw new Error('asked for');
  };
  const others = [
    { operation: 'UPDATE' },
    { kind: { group: 'apps', version: 'v1', kind: 'Deployment' } },
    { subResource: 'ephemeralcontainers' },
    { operation: 'DELETE', object: null },
  ];
  for (const changes of others) {
    const { outcome, body } = await ask(review(changes), never);
    t.equal(outcome, 'unchanged');
    t.same(JSON.parse(body).response, { uid: 'u-1', allowed: true });
  }
  t.same(JSON.parse((await ask(review())).body).response, { uid: 'u-1', allowed: true });
});

t.test('a refusal is in words, with what to do', async (t) => {
  const { outcome, status, body } = await ask(review(), () => {
    throw new AgentError('ERR_CONFIG', 'no such thing', { remedy: 'mend it' });
  });
  t.equal(outcome, 'refused');
  t.equal(status, 200);
  t.match(JSON.parse(body).response, { uid: 'u-1', allowed: false, status: { message: 'no such thing; mend it' } });
});

t.test('what is no answer is none: the API server then does what its failurePolicy says', async (t) => {
  const readNamespace = async () => {
    throw new AgentError('ERR_CA_UNREACHABLE', 'cannot reach the Kubernetes API');
  };
  const away = await ask(review(), undefined, { readNamespace });
  t.match(away, { outcome: 'failed', status: 500, body: /cannot reach the Kubernetes API/ });
  const broken = await ask(review(), () => {
    throw new TypeError('a mistake of ours');
  });
  t.match(broken, { outcome: 'failed', status: 500 });
});

t.test('a malformed review is told what is wrong with it', async (t) => {
  const malformed: readonly [unknown, RegExp][] = [
    ['', /it is no JSON/],
    ['{', /it is no JSON/],
    [[], /its kind is another/],
    [{ kind: 'Pod' }, /its kind is another/],
    [{ ...review(), apiVersion: 'admission.k8s.io/v1beta1' }, /its apiVersion is not/],
    [{ ...review(), request: undefined }, /there is no request/],
    [review({ uid: '' }), /request\.uid is missing/],
    [review({ uid: 7 }), /request\.uid is missing/],
    [review({ namespace: 7 }), /request\.namespace is no text/],
    [review({ object: null }), /request\.object is missing/],
    [review({ object: [] }), /request\.object is missing/],
  ];
  for (const [body, expected] of malformed) {
    const answer = await ask(body);
    t.match(answer, { outcome: 'malformed', status: 400, type: 'text/plain; charset=utf-8', body: expected });
  }
});
