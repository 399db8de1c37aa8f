import { AgentError } from '../../errors.ts';
import { policyNameOf } from '../../issuer/vault/administered.ts';
import { type Login, logIn } from '../../issuer/vault/login.ts';
import type { ServiceAccountToken } from '../../issuer/vault/service-account-token.ts';
import { quoteForShell } from '../../issuer/vault/shell.ts';
import type { Outcome } from '../examination.ts';
import { makeIssuerContext } from '../issuer-context.ts';
import type { DoctorPorts } from '../ports.ts';
import type { Contact } from './contact.ts';
import type { VaultSubject } from './subject.ts';

/** Logs in as the agent does; a refusal is told with the command that mends it, as far as one can be known. */
export async function tryLogin(
  subject: VaultSubject,
  ports: DoctorPorts,
  contact: Contact,
  serviceAccount: ServiceAccountToken | undefined,
): Promise<Outcome<Login>> {
  const { auth } = subject.vault;
  try {
    const login = await logIn(subject.vault, makeIssuerContext(subject, ports).context, contact.ask);
    return { verdict: 'pass', cause: describeLogin(subject, login), value: login };
  } catch (thrown) {
    const { message, remedy } = AgentError.from(thrown);
    const complaint = contact.lastAnswer()?.complaint ?? '';
    if (auth.method !== 'kubernetes' || serviceAccount === undefined || complaint === '') throw thrown;
    return { verdict: 'fail', cause: message, remedy, ...findCommand(complaint, auth, serviceAccount, subject) };
  }
}

/** Best effort: it ends by itself, too. */
export async function giveBack({ token, kind }: Login, { ask }: Contact): Promise<void> {
  if (kind !== 'borrowed') return;
  const path = 'auth/token/revoke-self';
  await ask({ method: 'POST', path, token, purpose: 'revoking our token' }).catch(() => undefined);
}

function describeLogin({ vault: { auth } }: VaultSubject, { kind }: Login): string {
  if (kind === 'configured') return 'the configured token is used as it is';
  if (kind === 'agent') return 'the Vault Agent adds its token';
  const where = 'mountPath' in auth ? ` at ${auth.mountPath}` : '';
  const role = 'role' in auth && auth.role !== undefined ? ` with the role "${auth.role}"` : '';
  return `${auth.method}${where}${role}${kind === 'batch' ? ', which gives batch tokens' : ''}`;
}

type KubernetesAuth = Extract<VaultSubject['vault']['auth'], { method: 'kubernetes' }>;

/** By what the Kubernetes plugin of Vault says. */
function findCommand(
  complaint: string,
  { role, mountPath, audience }: KubernetesAuth,
  { owner, audiences }: ServiceAccountToken,
  { vault }: VaultSubject,
): Partial<Outcome<never>> {
  const path = `${mountPath}/role/${role}`;
  const [namespace = '', name = ''] = owner.split('/').map(quoteForShell);
  const account = quoteForShell(owner.replace('/', ':'));
  if (/invalid role name/.test(complaint)) {
    return {
      remedy: 'set auth.kubernetes.role to a role that exists, or make this one',
      command: [
        `vault write ${path} bound_service_account_names=${name} bound_service_account_namespaces=${namespace} \\`,
        `  audience=${quoteForShell(audience ?? audiences[0] ?? 'vault')} token_policies=${policyNameOf(vault)} token_ttl=10m`,
      ].join('\n'),
    };
  }
  if (/service account name not authorized/.test(complaint)) {
    return { remedy: 'add its name', command: addToList(path, 'bound_service_account_names', name) };
  }
  if (/namespace not authorized/.test(complaint)) {
    return { remedy: 'add it', command: addToList(path, 'bound_service_account_namespaces', namespace) };
  }
  if (/audience/.test(complaint) && audiences[0] !== undefined) {
    return {
      remedy: 'project the token with the audience of the role, or have the role take that of the token',
      command: `vault write ${path} audience=${quoteForShell(audiences[0])}`,
    };
  }
  if (/could not load backend configuration/.test(complaint)) {
    return {
      remedy: 'tell it of the cluster; this is for a Vault that runs in it',
      command: `vault write ${mountPath}/config kubernetes_host=https://kubernetes.default.svc`,
    };
  }
  if (/permission denied/.test(complaint)) {
    return {
      remedy:
        'Vault says no more than "permission denied"; look in this order: is the method there, does Vault reach the API ' +
        'of this very cluster, may its token_reviewer_jwt (or without one this service account) review tokens',
      command: [
        'vault auth list',
        `vault read ${mountPath}/config`,
        `kubectl auth can-i create tokenreviews.authentication.k8s.io --as=system:serviceaccount:${account}`,
        `kubectl create clusterrolebinding vault-token-review --clusterrole=system:auth-delegator --serviceaccount=${account}`,
      ].join('\n'),
    };
  }
  return {};
}

/** What is there stays there; `vault read -field` prints lists as `[a b]`. */
function addToList(path: string, field: string, value: string): string {
  return `vault write ${path} ${field}="$(vault read -field=${field} ${path} | tr -d '[]' | tr ' ' ','),${value}"`;
}
