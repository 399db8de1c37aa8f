import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { prepareAppRoleLogin } from '../../../../src/issuer/vault/auth/app-role.ts';
import { prepareCertificateLogin } from '../../../../src/issuer/vault/auth/client-certificate-login.ts';
import { prepareJwtLogin } from '../../../../src/issuer/vault/auth/jwt.ts';
import { prepareKubernetesLogin } from '../../../../src/issuer/vault/auth/kubernetes.ts';
import type { LoginRequest } from '../../../../src/issuer/vault/auth/login-request.ts';
import type { VaultAnswer } from '../../../../src/issuer/vault/client.ts';
import { explainLoginRefusal } from '../../../../src/issuer/vault/login-errors.ts';
import { makeJwt, makeLoginContext } from '../../../helpers/login-context.ts';

const context = makeLoginContext();
const token = makeJwt({ sub: 'system:serviceaccount:demo:web', aud: 'vault' });
const inline = (value: string) => ({ kind: 'inline', value }) as const;
const tokenPath = join(t.testdir({}), 'token');
writeFileSync(tokenPath, token);

type Case = readonly [status: number, complaint: string, message: RegExp, remedy: RegExp];

const answer = (status: number, complaint: string): VaultAnswer => ({ status, complaint, body: undefined });

async function check(method: string, prepared: LoginRequest | Promise<LoginRequest>, cases: readonly Case[]) {
  const { refusals } = await prepared;
  const attempt = { address: 'https://vault:8200', method, mountPath: `auth/${method}`, refusals };
  const all: readonly Case[] = [
    ...cases,
    [404, 'no handler for route', new RegExp(`no auth method at auth/${method}`), /vault auth list/],
    [403, 'permission denied', /does not believe|is not there/, /vault auth list/],
  ];
  for (const [status, complaint, message, remedy] of all) {
    const error = explainLoginRefusal(answer(status, complaint), attempt);
    t.match(error, { code: 'ERR_LOGIN_DENIED', message, remedy }, `${method}: ${complaint}`);
    t.notMatch(error.line, /undefined|\n/);
  }
  t.match(explainLoginRefusal(answer(503, 'Vault is sealed'), attempt), { code: 'ERR_CA_UNAVAILABLE' });
  t.match(explainLoginRefusal(answer(400, 'something new'), attempt), {
    code: 'ERR_CA_REFUSED',
    message: /400 while logging in: .*something new/,
  });
}

await check(
  'kubernetes',
  prepareKubernetesLogin({ method: 'kubernetes', role: 'web', mountPath: 'auth/kubernetes', tokenPath }, context),
  [
    [400, 'invalid role name "web"', /no role "web" in auth\/kubernetes/, /vault list auth\/kubernetes\/role/],
    [403, 'service account name not authorized', /for the service account demo\/web/, /bound_service_account_names/],
    [403, 'namespace not authorized', /not for the namespace of demo\/web/, /bound_service_account_namespaces/],
    [403, 'permission denied', /does not believe the token of demo\/web/, /system:auth-delegator/],
    [403, 'invalid expiration time (exp) claim: token is expired', /by its clock/, /compare the clocks/],
    [403, 'invalid audience (aud) claim: x', /wants another audience than the token has \(vault\)/, /vault read auth/],
    [500, 'could not load backend configuration', /has not been told/, /vault write auth\/kubernetes\/config/],
  ],
);

await check(
  'approle',
  prepareAppRoleLogin({ method: 'approle', roleId: inline('r'), mountPath: 'auth/approle' }, context),
  [
    [400, 'invalid role or secret ID', /no such role ID and secret ID, or .* expired or is used up/, /secret-id/],
    [400, 'missing secret_id', /the role demands a secret ID/, /set auth\.approle\.secretId/],
    [400, 'source address "10.0.0.1" unauthorized by CIDR restrictions', /address of this machine/, /bound_cidrs/],
  ],
);

await check(
  'jwt',
  prepareJwtLogin({ method: 'jwt', role: 'web', token: inline(token), mountPath: 'auth/jwt' }, context),
  [
    [400, 'role "web" could not be found', /no role "web" in auth\/jwt/, /vault list auth\/jwt\/role/],
    [400, 'missing role', /auth\/jwt has no default role/, /set auth\.jwt\.role/],
    [400, 'error validating token: invalid audience (aud) claim: x', /wants another audience/, /bound_audiences/],
    [400, 'error validating token: invalid expiration time (exp) claim: token is expired', /by its clock/, /clocks/],
    [400, 'claim "team" does not match any associated bound claim values', /not for the claims/, /bound_claims/],
    [400, 'error validating token: invalid subject (sub) claim', /not for the claims/, /bound_subject/],
    [
      400,
      'error validating token: error verifying token signature: no known key',
      /issuer or the key/,
      /auth\/jwt\/config/,
    ],
    [400, 'could not load configuration', /not been told of an issuer/, /vault write auth\/jwt\/config/],
  ],
);

await check('tls', prepareCertificateLogin({ method: 'tls', role: 'web', mountPath: 'auth/tls' }), [
  [
    400,
    'failed to match all constraints for this login certificate',
    /role "web" does not take/,
    /auth\/tls\/certs\/web/,
  ],
  [400, 'client certificate must be supplied', /no client certificate reached it/, /tls_disable_client_certs/],
  [400, 'certificate mismatch of a trusted leaf certificate', /CA of our client certificate/, /clientCert/],
]);

await check('tls', prepareCertificateLogin({ method: 'tls', mountPath: 'auth/tls' }), [
  [400, 'failed to match all constraints for this login certificate', /no role of auth\/tls takes/, /auth\/tls\/certs/],
]);

t.test('a JWT that cannot be used is named before anything is sent', async (t) => {
  const prepare = (text: string) =>
    prepareJwtLogin({ method: 'jwt', token: inline(text), mountPath: 'auth/jwt' }, context);
  await t.rejects(prepare('canary'), { code: 'ERR_SOURCE', message: /^auth\.jwt holds something that is not a JWT$/ });
  const exp = context.clock.nowMs() / 1000;
  await t.rejects(prepare(makeJwt({ exp })), { code: 'ERR_SOURCE', message: /expired at 2026-01-01T00:00:00\.000Z/ });
  t.same(context.expiries, [{ kind: 'jwt', atMs: exp * 1000 }]);
});

t.test('an ID that is none is named before anything is sent', async (t) => {
  const prepare = (roleId: string, secretId: string) => {
    const ids = { roleId: inline(roleId), secretId: inline(secretId) };
    return prepareAppRoleLogin({ method: 'approle', ...ids, mountPath: 'auth/approle' }, context);
  };
  t.same((await prepare(' r\n', 's\n')).body, { role_id: 'r', secret_id: 's' });
  await t.rejects(prepare('canary two', 's'), {
    code: 'ERR_SOURCE',
    message: 'auth.approle.roleId holds more than one',
  });
  await t.rejects(prepare('r', ' '), { code: 'ERR_SOURCE', message: 'auth.approle.secretId is empty' });
});
