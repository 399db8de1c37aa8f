import { AgentError } from '../../errors.ts';
import type { IssuerContext } from '../issuer.ts';
import { prepareAppRoleLogin } from './auth/app-role.ts';
import { prepareCertificateLogin } from './auth/client-certificate-login.ts';
import { prepareJwtLogin } from './auth/jwt.ts';
import { prepareKubernetesLogin } from './auth/kubernetes.ts';
import type { LoginRequest } from './auth/login-request.ts';
import { type AskVault, reachedAt } from './client.ts';
import type { VaultAuth, VaultConfig } from './config.ts';
import { asNumber, asRecord, asString } from './json.ts';
import { explainLoginRefusal } from './login-errors.ts';

export interface Login {
  /** Undefined: whoever stands between us and Vault adds one. */
  readonly token?: string | undefined;
  /**
   * `borrowed`: from a login of ours, to be revoked after use. `batch`: of a login, cannot be revoked. `configured`:
   * somebody else's, never revoked. `agent`: that of a Vault Agent, which we never see.
   */
  readonly kind: 'borrowed' | 'batch' | 'configured' | 'agent';
  /** Of a login of ours; undefined: it does not end, or is none of ours. */
  readonly leaseSeconds?: number | undefined;
}

/** A method that asks Vault for a token. */
type LoginAuth = Exclude<VaultAuth, { method: 'agent' | 'token' }>;

/**
 * Gets a token to ask with. Credentials are read anew each time: whoever hands them out renews them in place.
 *
 * @param whileAsked called when there is nothing to do but wait for Vault.
 * @throws AgentError `ERR_SOURCE` for a credential that is missing or spoilt, `ERR_LOGIN_DENIED`.
 */
export async function logIn(
  config: VaultConfig,
  context: IssuerContext,
  ask: AskVault,
  whileAsked?: () => void,
): Promise<Login> {
  const { auth } = config;
  if (auth.method === 'agent') return { kind: 'agent' };
  if (auth.method === 'token') return { kind: 'configured', token: await readConfiguredToken(auth.token, context) };
  const address = reachedAt(config);
  const { method, mountPath } = auth;
  const { body, secrets, refusals } = await prepareLogin(auth, context);

  const { clock, observer } = context;
  const startedAtMs = clock.monotonicMs();
  const path = `${mountPath}/login`;
  const answer = await ask({ method: 'POST', path, body, secrets, purpose: 'logging in', onSent: whileAsked });
  if (answer.status !== 200) throw explainLoginRefusal(answer, { address, method, mountPath, refusals });
  const granted = asRecord(asRecord(answer.body).auth);
  const token = asString(granted.client_token);
  if (token === undefined) {
    throw new AgentError('ERR_CA_PROTOCOL', `Vault at ${address} accepted the login but gave no token`, {
      remedy: `check that ${mountPath} asks for no second factor, and that conf.fromCp.address is Vault's`,
    });
  }
  observer.stepTook('login', (clock.monotonicMs() - startedAtMs) / 1000);
  const leaseSeconds = asNumber(granted.lease_duration);
  return {
    token,
    kind: granted.token_type === 'batch' ? 'batch' : 'borrowed',
    leaseSeconds: leaseSeconds === 0 ? undefined : leaseSeconds,
  };
}

/** @throws AgentError `ERR_SOURCE` */
export async function readConfiguredToken(
  source: Extract<VaultAuth, { method: 'token' }>['token'],
  { readSource }: Pick<IssuerContext, 'readSource'>,
): Promise<string> {
  const token = (await readSource(source)).trim();
  if (token !== '') return token;
  throw new AgentError('ERR_SOURCE', 'the Vault token in auth.token is empty', { remedy: 'store a token there' });
}

async function prepareLogin(auth: LoginAuth, context: IssuerContext): Promise<LoginRequest> {
  switch (auth.method) {
    case 'kubernetes':
      return prepareKubernetesLogin(auth, context);
    case 'approle':
      return prepareAppRoleLogin(auth, context);
    case 'jwt':
      return prepareJwtLogin(auth, context);
    case 'tls':
      return prepareCertificateLogin(auth);
    case 'aws': {
      const { prepareAwsLogin } = await import('./auth/aws.ts');
      return prepareAwsLogin(auth, context);
    }
  }
}
