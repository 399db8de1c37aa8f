import { AgentError } from '../../../errors.ts';
import type { IssuerContext } from '../../issuer.ts';
import type { VaultAuth } from '../config.ts';
import { type LoginRequest, refuseAsDenied } from './login-request.ts';

type AppRoleAuth = Extract<VaultAuth, { method: 'approle' }>;

/** By a role ID and, unless the role does without (`bind_secret_id=false`), a secret ID. @throws AgentError `ERR_SOURCE` */
export async function prepareAppRoleLogin(
  { roleId, secretId, mountPath }: AppRoleAuth,
  { readSource }: IssuerContext,
): Promise<LoginRequest> {
  const role = await readWord('roleId', roleId, readSource);
  const secret = secretId && (await readWord('secretId', secretId, readSource));
  return {
    body: { role_id: role, ...(secret !== undefined && { secret_id: secret }) },
    secrets: secret === undefined ? [role] : [role, secret],
    // What its path_login.go says; on purpose, it does not tell which of the two is wrong.
    refusals: [
      {
        pattern: /invalid role or secret ID|invalid secret_id|invalid role_id/,
        why: `${mountPath} knows no such role ID and secret ID, or the secret ID has expired or is used up`,
        remedy:
          `compare auth.approle.roleId with: vault read ${mountPath}/role/ROLE/role-id; ` +
          `store a new secret ID in auth.approle.secretId: vault write -f ${mountPath}/role/ROLE/secret-id`,
      },
      {
        pattern: /missing secret_id/,
        why: 'the role demands a secret ID',
        remedy: `set auth.approle.secretId to one made by: vault write -f ${mountPath}/role/ROLE/secret-id`,
      },
      {
        pattern: /source address .* unauthorized/,
        why: 'the role, or the secret ID, is not for the address of this machine',
        remedy: `widen secret_id_bound_cidrs and token_bound_cidrs shown by: vault read ${mountPath}/role/ROLE`,
      },
      refuseAsDenied('the role ID', mountPath, 'and that auth.approle.mountPath names it'),
    ],
  };
}

async function readWord(
  name: 'roleId' | 'secretId',
  source: AppRoleAuth['roleId'],
  readSource: IssuerContext['readSource'],
): Promise<string> {
  const word = (await readSource(source)).trim();
  if (word !== '' && !/\s/.test(word)) return word;
  const found = word === '' ? 'is empty' : 'holds more than one word';
  throw new AgentError('ERR_SOURCE', `auth.approle.${name} ${found}`, { remedy: 'store the ID alone there' });
}
