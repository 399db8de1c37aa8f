import { asRecord, asStrings } from '../../issuer/vault/json.ts';
import type { Login } from '../../issuer/vault/login.ts';
import { pkiMountOf } from '../../issuer/vault/pki-mount.ts';
import { explainStatus } from '../../issuer/vault/status-errors.ts';
import type { Checked, Examination, Outcome } from '../examination.ts';
import type { Contact } from './contact.ts';
import type { VaultSubject } from './subject.ts';
import type { Token } from './token.ts';

/** Undefined: it may not be asked. */
export interface Grants {
  readonly sign?: boolean | undefined;
  readonly issue?: boolean | undefined;
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
  const { pki, role, address } = vault;
  let dangers: string[] = [];
  const grants = await examination.check(
    'capabilities',
    [contact, login, token],
    async ({ ask }, held, { policies }): Promise<Outcome<Grants>> => {
      const paths = [`${pki}/sign/${role}`, `${pki}/issue/${role}`, ...TOO_MUCH.map(({ path }) => path(vault))];
      const answer = await ask({
        method: 'POST',
        path: 'sys/capabilities-self',
        token: held.token,
        body: { paths },
        purpose: 'asking what our token may do',
      });
      if (answer.status === 403) {
        const cause = 'it may not ask that, as the policy "default" would allow; the trial will show it';
        return { verdict: 'skip', cause, value: {} };
      }
      if (answer.status !== 200) {
        const { message, remedy } = explainStatus(answer, address, 'asking what our token may do');
        return { verdict: 'fail', cause: message, remedy };
      }
      const data = asRecord(asRecord(answer.body).data);
      const mayWrite = (path: string) => asStrings(data[path]).some((one) => WRITE.includes(one));
      const mayUse = (path: string) => asStrings(data[path]).some((one) => one === 'update' || one === 'root');
      dangers = TOO_MUCH.filter(({ path }) => mayWrite(path(vault))).map(({ danger }) => danger);
      return judgeGrants(
        { sign: mayUse(`${pki}/sign/${role}`), issue: mayUse(`${pki}/issue/${role}`) },
        vault,
        policies,
      );
    },
  );
  const isRoot = token.value?.policies?.includes('root') === true;
  await examination.check('least-privilege', [login, token, { ...grants, value: grants.value && true }], () =>
    isRoot ? { verdict: 'skip', cause: 'a root token may do everything' } : judgeDangers(dangers),
  );
  return grants;
}

function judgeGrants(
  { sign, issue }: Grants,
  { pki, role }: VaultSubject['vault'],
  policies: readonly string[] = [],
): Outcome<Grants> {
  const policy = policies.find((one) => one !== 'default' && one !== 'root');
  const mend = {
    remedy:
      policy === undefined
        ? 'give the token, or the role that we log in with, a policy with this line (meshcert setup vault writes one)'
        : `add a line to its policy "${policy}"`,
    command: addToPolicy(policy ?? 'POLICY', `path "${pki}/sign/${role}" { capabilities = ["create", "update"] }`),
  };
  if (sign) return { verdict: 'pass', cause: `our token may use ${pki}/sign/${role}`, value: { sign, issue } };
  if (issue) {
    const cause = `our token may use ${pki}/issue/${role} only, so the CA makes our private key and sends it`;
    return { verdict: 'warn', cause, ...mend, value: { sign, issue } };
  }
  return { verdict: 'fail', cause: `our token may use neither ${pki}/sign/${role} nor ${pki}/issue/${role}`, ...mend };
}

function judgeDangers(dangers: readonly string[]): Outcome<true> {
  if (dangers.length === 0)
    return { verdict: 'pass', cause: 'our token may do nothing else that matters', value: true };
  return {
    verdict: 'warn',
    cause: `our token may ${dangers.join('; ')}`,
    remedy: 'take that out of its policies: signing is all that it needs',
    value: true,
  };
}

function addToPolicy(policy: string, line: string): string {
  return `{ vault policy read ${policy}; echo '${line}'; } | vault policy write ${policy} -`;
}
