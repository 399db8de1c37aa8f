import t from 'tap';
import {
  checkServiceAccountToken,
  parseServiceAccountToken,
} from '../../../../src/issuer/vault/service-account-token.ts';

const PATH = '/run/token';
const NOW_MS = Date.parse('2026-01-01T12:00:00Z');

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const makeJwt = (claims: unknown) => `${encode({ alg: 'RS256' })}.${encode(claims)}.c2lnbmF0dXJl`;
const parse = (claims: unknown) => parseServiceAccountToken(makeJwt(claims), PATH);

t.test('the claims that we speak of are read, blanks around the token are dropped', async (t) => {
  const jwt = makeJwt({ sub: 'system:serviceaccount:demo:web', aud: ['vault', 'other'], exp: 1767268800 });
  const token = parseServiceAccountToken(`\n ${jwt}\n`, PATH);
  t.same(token, {
    jwt,
    owner: 'demo/web',
    audiences: ['vault', 'other'],
    expiresAtMs: NOW_MS,
  });
  t.same(parse({ sub: 'somebody', aud: 'vault' }).audiences, ['vault']);
  t.same(parse({ sub: 'somebody', aud: 'vault' }).owner, 'somebody');
  t.same(parse({}).expiresAtMs, undefined);
});

t.test('what is no JWT is named without being shown', async (t) => {
  for (const text of ['', 'secret-canary', 'a.b', 'a.b.c', 'a.b.c.d', 'secret canary.b.c', `x.${encode('text')}.y`]) {
    t.throws(() => parseServiceAccountToken(text, PATH), { code: 'ERR_SOURCE', message: /^\/run\/token holds/ });
    t.throws(() => parseServiceAccountToken(text, PATH), { message: /^((?!canary).)*$/ });
  }
});

t.test('an expired token is named with both times', async (t) => {
  const expired = parse({ exp: NOW_MS / 1000 });
  t.throws(() => checkServiceAccountToken(expired, { path: PATH, nowMs: NOW_MS }), {
    code: 'ERR_SOURCE',
    message:
      'the service-account token in /run/token expired at 2026-01-01T12:00:00.000Z; our clock shows 2026-01-01T12:00:00.000Z',
  });
  const valid = parse({ exp: NOW_MS / 1000 + 1 });
  t.doesNotThrow(() => checkServiceAccountToken(valid, { path: PATH, nowMs: NOW_MS }));
});

t.test('a token for another audience is named with what it is for', async (t) => {
  const token = parse({ aud: ['https://kubernetes.default.svc'] });
  t.throws(() => checkServiceAccountToken(token, { path: PATH, audience: 'vault', nowMs: NOW_MS }), {
    code: 'ERR_LOGIN_DENIED',
    message: /is for "https:\/\/kubernetes.default.svc", not for the audience "vault"/,
    remedy: /set "audience: vault"/,
  });
  t.throws(() => checkServiceAccountToken(parse({}), { path: PATH, audience: 'vault', nowMs: NOW_MS }), {
    message: /is for no audience/,
  });
  t.doesNotThrow(() => checkServiceAccountToken(parse({}), { path: PATH, nowMs: NOW_MS }));
});
