import { AgentError } from '../../errors.ts';
import type { LoginRefusal } from './auth/login-request.ts';
import type { VaultAnswer } from './client.ts';
import { explainStatus } from './status-errors.ts';

/** The login that was refused. */
export interface LoginAttempt {
  readonly address: string;
  /** As in the configuration: `kubernetes`. */
  readonly method: string;
  /** `auth/kubernetes` */
  readonly mountPath: string;
  readonly refusals: readonly LoginRefusal[];
}

/** A login that Vault answered with no, in words. */
export function explainLoginRefusal(answer: VaultAnswer, attempt: LoginAttempt): AgentError {
  const { address, method, mountPath, refusals } = attempt;
  if (answer.status === 404) {
    return new AgentError('ERR_LOGIN_DENIED', `Vault at ${address} has no auth method at ${mountPath}`, {
      remedy: `set auth.${method}.mountPath to one of: vault auth list`,
    });
  }
  const refusal = refusals.find(({ pattern }) => pattern.test(answer.complaint));
  if (refusal === undefined || (answer.status >= 300 && answer.status < 400)) {
    return explainStatus(answer, address, 'logging in');
  }
  const { why, remedy } = refusal;
  return new AgentError('ERR_LOGIN_DENIED', `Vault at ${address} refuses the login: ${why}`, { remedy });
}
