import t from 'tap';
import { AgentError } from '../../../../src/errors.ts';
import { explainFailure } from '../../../../src/issuer/acmpca/explain-failure.ts';

const config = {
  arn: 'arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/1',
  region: 'eu-central-1',
  credentials: undefined,
  commonName: undefined,
};

/** An error as the SDK throws it. */
function awsError(name: string, message: string, status: number | undefined = 400, headers = {}): Error {
  const $metadata = status === undefined ? {} : { httpStatusCode: status };
  return Object.assign(new Error(message), { name, $metadata, $response: { headers } });
}

function explain(thrown: unknown, signal = new AbortController().signal): AgentError {
  return explainFailure(thrown, 'IssueCertificate', { config, signal, requestTimeoutMs: 10_000 });
}

for (const [thrown, reason, retry, why] of [
  [awsError('AccessDeniedException', 'not authorized'), 'ca_denied', 'slowly', /do not allow it/],
  [awsError('ThrottlingException', 'Rate exceeded'), 'ca_throttled', 'soon', /too many requests/],
  [awsError('LimitExceededException', 'limit'), 'ca_throttled_quota', 'slowly', /quota/],
  [awsError('SomethingNew', '', 429), 'ca_throttled', 'soon', /too many requests/],
  [awsError('ResourceNotFoundException', 'x'), 'ca_refused_ca_not_found', 'slowly', /no such CA/],
  [awsError('InvalidArnException', 'x'), 'ca_refused_ca_not_found', 'slowly', /ARN/],
  [awsError('InvalidStateException', 'x'), 'ca_unavailable_ca_state', 'slowly', /state/],
  [awsError('MalformedCSRException', 'x'), 'ca_refused', 'slowly', /signing request/],
  [awsError('ValidationException', 'x'), 'ca_refused', 'slowly', /not accepted/],
  [awsError('RequestFailedException', 'x'), 'ca_refused_request_failed', 'slowly', /could not make/],
  [awsError('UnrecognizedClientException', 'x'), 'login_denied', 'slowly', /not accepted/],
  [awsError('ExpiredTokenException', 'x'), 'login_denied', 'slowly', /have expired/],
  [awsError('InvalidSignatureException', 'Signature expired: 2026'), 'login_denied', 'slowly', /too old or too new/],
  [awsError('InternalFailure', '', 500), 'ca_unavailable', 'soon', /answered 500/],
  [awsError('ServiceUnavailable', '', 503), 'ca_unavailable', 'soon', /answered 503/],
  [awsError('UnknownError', '<html>', 200), 'ca_protocol', 'slowly', /no answer of AWS/],
  [Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }), 'ca_unreachable', 'soon', /ECONNREFUSED/],
  [Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' }), 'ca_unreachable', 'soon', /ENOTFOUND/],
  [
    new AggregateError([Object.assign(new Error('connect'), { code: 'ETIMEDOUT' })]),
    'ca_unreachable',
    'soon',
    /ETIMEDOUT/,
  ],
  [Object.assign(new Error('x'), { code: 'SELF_SIGNED_CERT_IN_CHAIN' }), 'ca_tls', 'slowly', /TLS certificate/],
  [Object.assign(new Error('x'), { name: 'TimeoutError' }), 'ca_unreachable', 'soon', /no answer/],
  ['nonsense', 'ca_protocol', 'slowly', /no answer of AWS/],
] as const) {
  t.test(
    `${thrown instanceof Error ? `${thrown.name} ${'code' in thrown ? thrown.code : ''}` : thrown} is ${reason}`,
    async (t) => {
      const error = explain(thrown);
      t.equal(error.reason, reason);
      t.equal(error.retry, retry);
      t.match(error.message, why);
      t.match(error.message, /^AWS Private CA in eu-central-1 (refused|could not be asked for) IssueCertificate: /);
    },
  );
}

t.test('what AWS says is one line, and bounded', async (t) => {
  const { message } = explain(awsError('ValidationException', `a\n  "b"\u0007 ${'x'.repeat(1000)}`));
  t.match(message, /: "a b x+"$/);
  t.ok(message.length < 450);
});

t.test('Retry-After is respected', async (t) => {
  t.equal(explain(awsError('ThrottlingException', 'x', 400, { 'retry-after': '7' })).retryAfterMs, 7_000);
  t.equal(explain(awsError('ThrottlingException', 'x', 400, { 'retry-after': 'soon' })).retryAfterMs, undefined);
});

t.test('the end of our time is not blamed on the network, nor giving up on AWS', async (t) => {
  const late = AbortSignal.abort(new DOMException('time is up', 'TimeoutError'));
  t.match(explain(new Error('aborted'), late).line, /did not answer IssueCertificate within 10 s; .*requestTimeout/);
  t.match(explain(new Error('aborted'), AbortSignal.abort()).message, /was given up$/);
});

t.test('a right for common names is another one', async (t) => {
  const context = {
    config: { ...config, commonName: 'web' },
    signal: new AbortController().signal,
    requestTimeoutMs: 1,
  };
  const { remedy } = explainFailure(awsError('AccessDeniedException', 'x'), 'IssueCertificate', context);
  t.match(remedy, /^allow acm-pca:IssueCertificate with the template for common names;/);
});

t.test('what is explained already stays as it is', async (t) => {
  const error = new AgentError('ERR_SOURCE', 'x');
  t.equal(explain(error), error);
});
