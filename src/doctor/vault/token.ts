import { formatDuration } from '../../format-duration.ts';
import { policyNameOf } from '../../issuer/vault/administered.ts';
import type { AskVault } from '../../issuer/vault/client.ts';
import { asNumber, asRecord, asString, asStrings } from '../../issuer/vault/json.ts';
import type { Login } from '../../issuer/vault/login.ts';
import { quoteForShell } from '../../issuer/vault/shell.ts';
import { explainStatus } from '../../issuer/vault/status-errors.ts';
import type { Checked, Examination, Outcome } from '../examination.ts';
import type { Contact } from './contact.ts';
import type { VaultSubject } from './subject.ts';

export interface Token {
  /** Undefined: it may not look at itself. */
  readonly policies: readonly string[] | undefined;
}

/** What the token is worth (GET auth/token/lookup-self). */
export function checkToken(
  examination: Examination,
  subject: VaultSubject,
  { login, contact }: { readonly login: Checked<Login>; readonly contact: Checked<Contact> },
): Promise<Checked<Token>> {
  return examination.check('token', [contact, login], ({ ask }, held) => lookUp(held, subject, ask));
}

async function lookUp(login: Login, { vault, ttlSeconds }: VaultSubject, ask: AskVault): Promise<Outcome<Token>> {
  const path = 'auth/token/lookup-self';
  const answer = await ask({ method: 'GET', path, token: login.token, purpose: 'looking up our token' });
  if (answer.status === 403 && !/invalid token|bad token/.test(answer.complaint)) {
    return {
      verdict: 'skip',
      cause: 'it may not look at itself, as the policy "default" would allow',
      value: { policies: undefined },
    };
  }
  if (answer.status === 403) {
    return {
      verdict: 'fail',
      cause: 'Vault does not know our token: expired or revoked',
      remedy: 'store a new one in auth.token; as it can be renewed for ever, this one need not end',
      command: createToken(policyNameOf(vault)),
    };
  }
  if (answer.status !== 200) {
    const { message, remedy } = explainStatus(answer, vault.address, 'looking up our token');
    return { verdict: 'fail', cause: message, remedy };
  }
  const data = asRecord(asRecord(answer.body).data);
  const policies = [...asStrings(data.policies), ...asStrings(data.identity_policies)];
  const neededSeconds = login.kind === 'configured' ? ttlSeconds : 0;
  return { ...judgeToken(data, policies, neededSeconds, vault), value: { policies } };
}

/** @param neededSeconds how long it has to live; 0 for one that is fetched anew each time. */
function judgeToken(
  data: Readonly<Record<string, unknown>>,
  policies: readonly string[],
  neededSeconds: number,
  vault: VaultSubject['vault'],
): Outcome<never> {
  const leftSeconds = asNumber(data.ttl) ?? 0;
  const periodSeconds = asNumber(data.period) ?? 0;
  const life = leftSeconds === 0 ? 'never ends' : `ends in ${formatDuration(leftSeconds)}`;
  const cause = `${asString(data.type) ?? 'service'} token, policies ${policies.join(', ')}, ${life}`;
  const ours = policies.find((policy) => policy !== 'default' && policy !== 'root');
  const command = createToken(ours ?? policyNameOf(vault));
  if (policies.includes('root')) {
    return {
      verdict: 'warn',
      cause: 'it is a root token, which may do everything in Vault and never ends',
      remedy:
        'give the agent a token of its own, with a policy for signing alone; meshcert setup vault writes that policy',
      command,
    };
  }
  if ((asNumber(data.num_uses) ?? 0) > 0) {
    const remedy = 'make one without -use-limit';
    return { verdict: 'warn', cause: `${cause}: it ends after ${data.num_uses} uses`, remedy, command };
  }
  if (neededSeconds > 0 && leftSeconds > 0 && periodSeconds === 0 && leftSeconds < neededSeconds) {
    return {
      verdict: 'warn',
      cause: `${cause}, before the certificate that it is for (${formatDuration(neededSeconds)})`,
      remedy: 'store one that can be renewed for ever, and have it renewed',
      command,
    };
  }
  return { verdict: 'pass', cause };
}

/** It can be renewed for ever. */
function createToken(policy: string): string {
  return `vault token create -policy=${quoteForShell(policy)} -period=72h -field=token`;
}
