import { pkiMountOf, policyNameOf } from '../../issuer/vault/administered.ts';
import type { AskVault } from '../../issuer/vault/client.ts';
import { asRecord, asStrings } from '../../issuer/vault/json.ts';
import type { Login } from '../../issuer/vault/login.ts';
import { quoteForShell } from '../../issuer/vault/shell.ts';
import { explainStatus } from '../../issuer/vault/status-errors.ts';
import type { Checked, Examination, Outcome } from '../examination.ts';
import type { Contact } from './contact.ts';
import type { VaultSubject } from './subject.ts';
import type { Token } from './token.ts';

/** Undefined: it may not be asked. */
export interface Grants {
  readonly sign?: boolean | undefined;
  readonly issue?: boolean | undefined;
  /** What the token may do besides, and should not. */
  readonly dangers?: readonly string[] | undefined;
}

interface Needed {
  readonly login: Checked<Login>;
  readonly token: Checked<Token>;
  readonly contact: Checked<Contact>;
}

/** What nobody needs who only wants a certificate, and what it could be misused for. */
const TOO_MUCH: readonly { readonly path: (vault: VaultSubject['vault']) => string; readonly danger: string }[] = [
  {
    path: ({ pki, role }) => `${pkiMountOf(pki)}/roles/${role}`,
    danger: 'change the role, and so allow itself any name',
  },
  { path: ({ pki }) => `${pkiMountOf(pki)}/sign-verbatim`, danger: 'have any certificate signed' },
  { path: ({ pki }) => `${pkiMountOf(pki)}/root/sign-intermediate`, danger: 'make itself a CA' },
  { path: () => 'sys/policies/acl/default', danger: 'change policies' },
  { path: () => 'auth/token/create', danger: 'make further tokens' },
];

const WRITE = ['create', 'update', 'patch', 'sudo', 'root'];

/** What the token may do (POST sys/capabilities-self): what it has to, and no more. */
export async function checkCapabilities(
  examination: Examination,
  { vault }: VaultSubject,
  { login, token, contact }: Needed,
): Promise<Checked<Grants>> {
  const grants = await examination.check('capabilities', [contact, login, token], async ({ ask }, held, { policies }) =>
    judgeGrants(await askCapabilities(vault, held, ask), vault, policies),
  );
  await examination.check('least-privilege', [token, grants], ({ policies = [] }, { dangers }): Outcome<true> => {
    if (dangers === undefined) return { verdict: 'skip', cause: 'our token may not ask what it may do' };
    if (policies.includes('root')) return { verdict: 'skip', cause: 'a root token may do everything' };
    return judgeDangers(dangers);
  });
  return grants;
}

async function askCapabilities(vault: VaultSubject['vault'], { token }: Login, ask: AskVault): Promise<Grants> {
  const { pki, role, address } = vault;
  const [sign, issue] = [`${pki}/sign/${role}`, `${pki}/issue/${role}`];
  const paths = [sign, issue, ...TOO_MUCH.map(({ path }) => path(vault))];
  const purpose = 'asking what our token may do';
  const answer = await ask({ method: 'POST', path: 'sys/capabilities-self', token, body: { paths }, purpose });
  if (answer.status === 403) return {};
  if (answer.status !== 200) throw explainStatus(answer, address, purpose);
  const data = asRecord(asRecord(answer.body).data);
  const mayDo = (path: string, wanted: readonly string[]) => asStrings(data[path]).some((one) => wanted.includes(one));
  return {
    // Both paths know no existence check, so that "create" alone is of no use.
    sign: mayDo(sign, ['update', 'root']),
    issue: mayDo(issue, ['update', 'root']),
    dangers: TOO_MUCH.filter(({ path }) => mayDo(path(vault), WRITE)).map(({ danger }) => danger),
  };
}

function judgeGrants(grants: Grants, vault: VaultSubject['vault'], policies: readonly string[] = []): Outcome<Grants> {
  const { pki, role } = vault;
  if (grants.sign === undefined) {
    const cause = 'it may not ask that, as the policy "default" would allow; the trial will show it';
    return { verdict: 'skip', cause, value: grants };
  }
  if (grants.sign) return { verdict: 'pass', cause: `our token may use ${pki}/sign/${role}`, value: grants };
  const policy = policies.find((one) => one !== 'default' && one !== 'root');
  const mend = {
    remedy:
      policy === undefined
        ? 'write a policy with this line, and give it to the token, or to the role that we log in with'
        : `add this line to its policy "${policy}"`,
    command: addToPolicy(
      policy ?? policyNameOf(vault),
      `path "${pki}/sign/${role}" { capabilities = ["create", "update"] }`,
    ),
  };
  if (grants.issue) {
    const cause = `our token may use ${pki}/issue/${role} only, so the CA makes our private key and sends it`;
    return { verdict: 'warn', cause, ...mend, value: grants };
  }
  return { verdict: 'fail', cause: `our token may use neither ${pki}/sign/${role} nor ${pki}/issue/${role}`, ...mend };
}

function judgeDangers(dangers: readonly string[]): Outcome<true> {
  if (dangers.length === 0) {
    return { verdict: 'pass', cause: 'our token may do nothing else that matters', value: true };
  }
  return {
    verdict: 'warn',
    cause: `our token may ${dangers.join('; ')}`,
    remedy: 'take that out of its policies: signing is all that it needs',
    value: true,
  };
}

/** What is there stays there. */
function addToPolicy(policy: string, line: string): string {
  const name = quoteForShell(policy);
  return `{ vault policy read ${name} 2>/dev/null; echo ${quoteForShell(line)}; } | vault policy write ${name} -`;
}
