import { AgentError } from '../../../errors.ts';
import type { IssuerContext } from '../../issuer.ts';
import type { VaultAuth } from '../config.ts';
import { readJwt } from '../service-account-token.ts';
import { type LoginRefusal, type LoginRequest, refuseAsDenied } from './login-request.ts';

type JwtAuth = Extract<VaultAuth, { method: 'jwt' }>;

/**
 * By a JWT of whoever vouches for this workload, such as a cluster or a CI system.
 *
 * @throws AgentError `ERR_SOURCE` for one that cannot be read, is none, or has expired.
 */
export async function prepareJwtLogin(auth: JwtAuth, context: IssuerContext): Promise<LoginRequest> {
  const { clock, observer, readSource } = context;
  const token = readJwt(await readSource(auth.token));
  if (token === undefined) {
    throw new AgentError('ERR_SOURCE', 'auth.jwt holds something that is not a JWT', {
      remedy: 'store the token alone, on one line, where auth.jwt points to',
    });
  }
  const { jwt, expiresAtMs, subject } = token;
  if (expiresAtMs !== undefined) {
    observer.credentialExpires('jwt', expiresAtMs);
    if (expiresAtMs <= clock.nowMs()) {
      const [end, now] = [expiresAtMs, clock.nowMs()].map((ms) => new Date(ms).toISOString());
      throw new AgentError('ERR_SOURCE', `the JWT of auth.jwt expired at ${end}; our clock shows ${now}`, {
        remedy: 'have whoever makes it renew it in place, and check the clock of this machine',
      });
    }
  }
  const body = { jwt, ...(auth.role !== undefined && { role: auth.role }) };
  return { body, secrets: [jwt], refusals: listRefusals(auth, subject) };
}

/** What the JWT plugin says (its path_login.go and claims.go, and the library cap). */
function listRefusals({ role, mountPath }: JwtAuth, subject: string): LoginRefusal[] {
  const name = role === undefined ? 'the default role' : `the role "${role}"`;
  const show = `vault read ${mountPath}/role/${role ?? 'ROLE'}`;
  return [
    {
      pattern: /role .* could not be found/,
      why: `there is no role "${role ?? 'of that name'}" in ${mountPath}`,
      remedy: `set auth.jwt.role to one of: vault list ${mountPath}/role`,
    },
    {
      pattern: /missing role/,
      why: `${mountPath} has no default role`,
      remedy: `set auth.jwt.role to one of: vault list ${mountPath}/role`,
    },
    {
      pattern: /audience/,
      why: `${name} wants another audience than the JWT of ${subject} has`,
      remedy: `compare its aud with bound_audiences in: ${show}`,
    },
    {
      pattern: /\((exp|nbf|iat)\) claim|token is expired/,
      why: `by its clock, the JWT of ${subject} is not valid now`,
      remedy: 'compare the clocks of Vault and of this machine, and check that the JWT is renewed in time',
    },
    {
      pattern: /invalid subject|claim ".*" (does not match|is missing|not found)|validating claims/,
      why: `${name} is not for the claims that the JWT of ${subject} has`,
      remedy: `compare them with bound_subject and bound_claims in: ${show}`,
    },
    {
      pattern: /invalid issuer|verifying token signature|unexpected algorithm|validating signature|no known key/,
      why: `${mountPath} does not know the issuer or the key that signed the JWT of ${subject}`,
      remedy: `compare its iss and its issuer's keys with: vault read ${mountPath}/config`,
    },
    {
      pattern: /could not load configuration/,
      why: `${mountPath} has not been told of an issuer yet`,
      remedy: `run: vault write ${mountPath}/config ...`,
    },
    refuseAsDenied(`the JWT of ${subject}`, mountPath, 'and that auth.jwt.mountPath names it'),
  ];
}
