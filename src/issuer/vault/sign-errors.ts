import { AgentError, type AgentErrorOptions, type ErrorCode } from '../../errors.ts';
import { KEY_TYPES, type KeyType } from '../../identity/key-pair.ts';
import type { IssueRequest } from '../issuer.ts';
import type { VaultAnswer } from './client.ts';
import type { Login } from './login.ts';
import { explainStatus } from './status-errors.ts';

/** Where the request was sent, and what was asked for. */
export interface SignAttempt {
  readonly address: string;
  readonly pki: string;
  readonly role: string;
  readonly request: IssueRequest;
}

interface Refusal {
  /** What Vault's PKI engine says (its issue_common.go and path_issue_sign.go). */
  readonly pattern: RegExp;
  readonly explain: (attempt: SignAttempt, match: RegExpExecArray) => Explanation;
}

interface Explanation extends Pick<AgentErrorOptions, 'detail' | 'remedy'> {
  /** Default `ERR_CA_REFUSED`. */
  readonly code?: ErrorCode;
  readonly why: string;
}

const patch = ({ pki, role }: SignAttempt, change: string) => `vault patch ${pki}/roles/${role} ${change}`;

const REFUSALS: readonly Refusal[] = [
  {
    pattern: /role requires keys of type (\w+)/,
    explain: (attempt, [, type = '']) => ({
      why: `the role "${attempt.role}" signs only ${type} keys, ours is ${attempt.request.keyType}`,
      ...demandKeyType(type, 0),
      remedy: `leave keyType to the agent, or run: ${patch(attempt, 'key_type=any key_bits=0')}`,
    }),
  },
  {
    pattern: /role requires a minimum of a (\d+)-bit key/,
    explain: (attempt, [, bits = '']) => ({
      why: `the role "${attempt.role}" signs keys of ${bits} bits or more, ours is ${attempt.request.keyType}`,
      ...demandKeyType(attempt.request.keyType.slice(0, 2), Number(bits)),
      remedy: `set keyType to a longer key, or run: ${patch(attempt, 'key_bits=...')}`,
    }),
  },
  {
    pattern: /unknown role/,
    explain: ({ pki, role }) => ({
      why: `there is no role "${role}" in ${pki}`,
      remedy: `set conf.fromCp.role to one of: vault list ${pki}/roles`,
    }),
  },
  {
    pattern: /common_name field is required/,
    explain: (attempt) => ({
      why: `the role "${attempt.role}" demands a common name, which a SPIFFE certificate does without`,
      remedy: `set conf.fromCp.commonName, or run: ${patch(attempt, 'require_cn=false')}`,
    }),
  },
  {
    pattern: /common name .* not allowed by this role/,
    explain: (attempt) => ({
      why: `the role "${attempt.role}" does not allow the common name that conf.fromCp.commonName says`,
      remedy: `leave it out, or run: ${patch(attempt, 'allowed_domains=... allow_subdomains=true')}`,
    }),
  },
  {
    pattern: /URI Subject Alternative Names|subject alternate URI/i,
    explain: (attempt) => ({
      why: `the role "${attempt.role}" does not allow ${attempt.request.spiffeId}`,
      remedy: `add the trust domain to those it allows: ${patch(attempt, `allowed_uri_sans="spiffe://${attempt.request.spiffeId.trustDomain}/*"`)}`,
    }),
  },
  {
    pattern: /beyond the expiration of the CA certificate at ([\w:.-]+)/,
    explain: ({ request, pki }, [, end = '']) => ({
      why: `the CA ends at ${end}, before a certificate of ${request.ttlSeconds} s would`,
      remedy:
        'lower dpCert.rotation.expiration, renew the CA, or run: ' +
        `vault patch ${pki}/issuer/default leaf_not_after_behavior=truncate`,
    }),
  },
  {
    pattern: /role key type "any" not allowed for issuing/,
    explain: (attempt) => ({
      code: 'ERR_CA_DENIED',
      why: `we may only issue, and for that the role "${attempt.role}" would have to name one key type`,
      remedy: `add to the policy: ${grantSign(attempt)}`,
    }),
  },
  {
    pattern: /no default issuer|unable to find PKI issuer|no certificate\/key pair found|CA certificate not found/i,
    explain: ({ pki }) => ({
      why: `${pki} has no CA yet`,
      remedy: `make one, or sign its request: vault write ${pki}/root/generate/internal common_name=...`,
    }),
  },
];

/** The smallest key of a family that the role takes; nothing when we make none of that family. */
function demandKeyType(family: string, leastBits: number): Pick<Explanation, 'code' | 'detail'> {
  const isOfFamily = (type: KeyType) => type.startsWith(family.slice(0, 2));
  const found = KEY_TYPES.find((type) => isOfFamily(type) && Number(/\d+$/.exec(type)?.[0]) >= leastBits);
  return found === undefined ? {} : { code: 'ERR_KEY_TYPE', detail: found };
}

/** The detail of the error that a token is not known to Vault any more, or not yet. */
export const TOKEN_UNKNOWN = 'token_unknown';

/** The line to add to a policy. */
export function grantSign({ pki, role }: Pick<SignAttempt, 'pki' | 'role'>): string {
  return `path "${pki}/sign/${role}" { capabilities = ["create", "update"] }`;
}

/** A request for a certificate that was answered with no, in words; `ERR_KEY_TYPE` has the key type that would be signed as its detail. */
export function explainSignRefusal(answer: VaultAnswer, attempt: SignAttempt): AgentError {
  const { address, pki } = attempt;
  if (answer.status === 404) {
    return new AgentError('ERR_CA_REFUSED', `Vault at ${address} has no secrets engine at ${pki}`, {
      remedy: 'set conf.fromCp.pki to one of: vault secrets list',
    });
  }
  for (const { pattern, explain } of REFUSALS) {
    const match = pattern.exec(answer.complaint);
    if (match === null || answer.status < 400) continue;
    const { code = 'ERR_CA_REFUSED', why, ...options } = explain(attempt, match);
    return new AgentError(code, `Vault at ${address} does not sign: ${why}`, options);
  }
  return explainStatus(answer, address, 'signing');
}

/**
 * Neither `sign` nor `issue` is allowed.
 *
 * @param state what Vault thinks of the token itself.
 */
export function explainDenied(
  { address, pki, role }: SignAttempt,
  kind: Login['kind'],
  state: 'alive' | 'dead' | 'unknown',
): AgentError {
  if (kind === 'agent') {
    const found = state === 'dead' ? 'adds a token that has ended' : 'adds no token of its own, or one';
    return new AgentError(
      'ERR_CA_DENIED',
      `the Vault Agent at ${address} ${found} that may use neither ${pki}/sign/${role} nor ${pki}/issue/${role}`,
      {
        remedy:
          'check its auto_auth, that its api_proxy (or cache) has use_auto_auth_token = true, and that the policy of ' +
          `its role has: ${grantSign({ pki, role })}`,
      },
    );
  }
  if (state === 'dead' && kind === 'configured') {
    return new AgentError('ERR_LOGIN_DENIED', `Vault at ${address} does not know our token: expired or revoked`, {
      remedy: 'store a new one in auth.token (vault token create -period=... makes one that can be renewed for ever)',
    });
  }
  if (state === 'dead') {
    return new AgentError('ERR_CA_UNAVAILABLE', `Vault at ${address} does not know the token it has just given us`, {
      detail: TOKEN_UNKNOWN,
      remedy: 'if this goes on, check that all nodes behind the address are of one cluster',
    });
  }
  const doubt = state === 'unknown' ? ', or has expired' : '';
  return new AgentError(
    'ERR_CA_DENIED',
    `our token for Vault at ${address} may use neither ${pki}/sign/${role} nor ${pki}/issue/${role}${doubt}`,
    { remedy: `add to its policy: ${grantSign({ pki, role })}` },
  );
}
