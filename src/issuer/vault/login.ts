import { AgentError } from '../../errors.ts';
import type { IssuerContext } from '../issuer.ts';
import type { AskVault } from './client.ts';
import type { VaultAuth, VaultConfig } from './config.ts';
import { asRecord, asString } from './json.ts';
import { explainLoginRefusal } from './login-errors.ts';
import { checkServiceAccountToken, parseServiceAccountToken } from './service-account-token.ts';

export interface Login {
  readonly token: string;
  /**
   * `borrowed`: from a login of ours, to be revoked after use. `batch`: of a login, cannot be revoked. `configured`:
   * somebody else's, to be left alone.
   */
  readonly kind: 'borrowed' | 'batch' | 'configured';
}

type KubernetesAuth = Extract<VaultAuth, { method: 'kubernetes' }>;

/**
 * Gets a token to ask with. Credentials are read anew each time: the kubelet renews them in place.
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
  if (auth.method === 'kubernetes') return logInWithServiceAccount(config.address, auth, context, ask, whileAsked);
  if (auth.method !== 'token') throw new AgentError('ERR_CONFIG', `no login by ${auth.method} in this version yet`);
  const token = (await context.readSource(auth.token)).trim();
  if (token === '') {
    throw new AgentError('ERR_SOURCE', 'the Vault token in auth.token is empty', { remedy: 'store a token there' });
  }
  return { token, kind: 'configured' };
}

async function logInWithServiceAccount(
  address: string,
  auth: KubernetesAuth,
  context: IssuerContext,
  ask: AskVault,
  onSent: (() => void) | undefined,
): Promise<Login> {
  const { role, mountPath, tokenPath: path } = auth;
  const { clock, observer } = context;
  const serviceAccount = parseServiceAccountToken(await readTokenFile(path, context), path);
  if (serviceAccount.expiresAtMs !== undefined) {
    observer.credentialExpires('service_account_token', serviceAccount.expiresAtMs);
  }
  checkServiceAccountToken(serviceAccount, { path, audience: auth.audience, nowMs: clock.nowMs() });

  const startedAtMs = clock.monotonicMs();
  const body = { role, jwt: serviceAccount.jwt };
  const answer = await ask({ method: 'POST', path: `${mountPath}/login`, body, purpose: 'logging in', onSent });
  if (answer.status !== 200) throw explainLoginRefusal(answer, { address, mountPath, role, ...serviceAccount });
  const granted = asRecord(asRecord(answer.body).auth);
  const token = asString(granted.client_token);
  if (token === undefined) {
    throw new AgentError('ERR_CA_PROTOCOL', `Vault at ${address} accepted the login but gave no token`, {
      remedy: `check that ${mountPath} asks for no second factor, and that conf.fromCp.address is Vault's`,
    });
  }
  observer.stepTook('login', (clock.monotonicMs() - startedAtMs) / 1000);
  return { token, kind: granted.token_type === 'batch' ? 'batch' : 'borrowed' };
}

async function readTokenFile(path: string, { readSource }: IssuerContext): Promise<string> {
  try {
    return await readSource({ kind: 'file', path });
  } catch (thrown) {
    const { message, cause } = AgentError.from(thrown);
    throw new AgentError('ERR_SOURCE', `no service-account token to log in with: ${message}`, {
      remedy: `project a serviceAccountToken volume to ${path}, readable for this process, or set auth.kubernetes.tokenPath`,
      cause,
    });
  }
}
