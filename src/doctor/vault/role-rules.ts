/**
 * What each parameter of a PKI role does to certificates of SPIFFE (X509-SVID, 4 and 5; Vault's PKI API, "Create or
 * update role"). Pure: a role in, a judgement out.
 *
 * @module
 */

import { formatDuration } from '../../format-duration.ts';
import { KEY_TYPES, type KeyType } from '../../identity/key-pair.ts';
import { pkiMountOf } from '../../issuer/vault/administered.ts';
import { quoteForShell } from '../../issuer/vault/shell.ts';
import type { Outcome } from '../examination.ts';
import type { Grants } from './capabilities.ts';
import type { PkiRole } from './role.ts';
import type { VaultSubject } from './subject.ts';

type Judgement = Outcome<true>;
type Rule = (role: PkiRole, subject: VaultSubject, grants: Grants) => Judgement;

/** In the order in which they are told. */
export const ROLE_RULES: readonly (readonly [check: string, rule: Rule])[] = [
  ['role-names', judgeNames],
  ['role-common-name', judgeCommonName],
  ['role-key-type', judgeKeyType],
  ['role-key-usage', judgeKeyUsage],
  ['role-extended-key-usage', judgeExtendedKeyUsage],
  ['role-basic-constraints', judgeBasicConstraints],
  ['role-lifetime', judgeLifetime],
  ['role-back-dating', judgeBackDating],
  ['role-leases', judgeLeases],
  ['role-storage', judgeStorage],
];

const pass = (cause: string): Judgement => ({ verdict: 'pass', cause, value: true });

function patch({ vault: { pki, role } }: VaultSubject, ...changes: readonly string[]): string {
  return ['vault patch', `${pkiMountOf(pki)}/roles/${role}`, ...changes.map(quoteForShell)].join(' ');
}

function judgeNames(role: PkiRole, subject: VaultSubject): Judgement {
  const { allowedUriSans: allowed, allowedUriSansTemplate } = role;
  const id = subject.spiffeId.toString();
  const domain = `spiffe://${subject.spiffeId.trustDomain}/*`;
  const listed = allowed.join(', ') || 'nothing';
  if (allowedUriSansTemplate && allowed.some((one) => one.includes('{{'))) {
    return { verdict: 'skip', cause: `allowed_uri_sans is a template (${listed}); the trial shows what it gives` };
  }
  if (!allowed.some((pattern) => matchesGlob(pattern, id))) {
    return {
      verdict: 'fail',
      cause: `allowed_uri_sans (${listed}) does not allow ${id}`,
      remedy: 'allow it, or correct trustDomain, service or spiffeId of the Agent',
      command: patch(subject, `allowed_uri_sans=${[...allowed, domain].join(',')}`),
    };
  }
  const tooWide = allowed.filter((pattern) => matchesGlob(pattern, 'spiffe://any.other/x'));
  if (tooWide.length > 0 || role.allowAnyName) {
    const what =
      tooWide.length > 0 ? `allowed_uri_sans (${listed}) allows every trust domain` : 'allow_any_name is set';
    return {
      verdict: 'warn',
      cause: `${what}: who may use this role can be anybody`,
      remedy: 'allow this trust domain alone',
      command: patch(subject, `allowed_uri_sans=${domain}`, 'allow_any_name=false'),
    };
  }
  return pass(`allowed_uri_sans (${listed}) allows ${id}`);
}

/** As Vault does: `*` stands for any text, slashes too; nothing else is special. */
function matchesGlob(pattern: string, text: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[\\^$.+?()[\]{}|]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's').test(text);
}

function judgeCommonName({ requireCn }: PkiRole, subject: VaultSubject): Judgement {
  if (!requireCn) return pass('no common name is demanded');
  return {
    verdict: 'fail',
    cause: 'require_cn demands a common name, which a SPIFFE certificate does without',
    command: patch(subject, 'require_cn=false'),
  };
}

function judgeKeyType({ keyType, keyBits }: PkiRole, subject: VaultSubject, { sign }: Grants): Judgement {
  const wanted = subject.keyType;
  const command = patch(subject, 'key_type=ec', 'key_bits=256');
  if (keyType === 'any') {
    if (sign !== false) return pass('key_type=any: any key of ours is signed');
    const cause = 'with key_type=any Vault refuses to issue, and that is all that our token may do';
    return { verdict: 'fail', cause, remedy: 'grant sign, or name one type', command };
  }
  const fitting = KEY_TYPES.filter((type) => fits(type, keyType, keyBits));
  if (wanted !== undefined && !fitting.includes(wanted)) {
    const cause = `key_type=${keyType} key_bits=${keyBits} does not take our ${wanted} key`;
    const change = wanted.startsWith('ec') ? 'key_type=ec' : 'key_type=rsa';
    const remedy = 'leave keyType of the Agent to the agent (auto), or change the role';
    return {
      verdict: 'fail',
      cause,
      remedy,
      command: patch(subject, change, `key_bits=${bitsOf(wanted)}`),
    };
  }
  if (fitting[0] === undefined) {
    const cause = `key_type=${keyType} key_bits=${keyBits}: we make no such keys (${KEY_TYPES.join(', ')})`;
    return { verdict: 'fail', cause, command };
  }
  if (keyType === 'rsa' && wanted === undefined) {
    const cause = `key_type=rsa: the agent makes ${fitting[0]} keys, each of which costs as much as hundreds of EC keys`;
    return { verdict: 'warn', cause, command };
  }
  return pass(`key_type=${keyType}: ${wanted ?? fitting[0]} keys are signed`);
}

/** `sign` takes keys of at least key_bits; 0 stands for 2048 or 256. */
function fits(type: KeyType, family: string, leastBits: number): boolean {
  return type.startsWith(`${family}-`) && bitsOf(type) >= leastBits;
}

function bitsOf(type: KeyType): number {
  return Number(/\d+$/.exec(type)?.[0]);
}

/** Vault's own names of usages; case does not matter to it. */
const KNOWN_USAGES =
  /^(digitalsignature|contentcommitment|keyencipherment|dataencipherment|keyagreement|certsign|crlsign|encipheronly|decipheronly)$/i;
const GOOD_USAGES = 'key_usage=DigitalSignature,KeyEncipherment,KeyAgreement';

function judgeKeyUsage({ keyUsage }: PkiRole, subject: VaultSubject): Judgement {
  const known = keyUsage.filter((usage) => KNOWN_USAGES.test(usage.trim()));
  const unknown = keyUsage.filter((usage) => !known.includes(usage));
  const has = (name: string) => known.some((usage) => usage.trim().toLowerCase() === name);
  const command = patch(subject, GOOD_USAGES);
  if (has('certsign') || has('crlsign')) {
    return { verdict: 'fail', cause: 'key_usage holds CertSign or CRLSign, which only a CA may have', command };
  }
  if (known.length > 0 && !has('digitalsignature')) {
    return { verdict: 'fail', cause: `key_usage (${known.join(', ')}) lacks DigitalSignature`, command };
  }
  if (unknown.length > 0) {
    const ignored = `Vault ignores ${unknown.join(', ')} in key_usage`;
    const effect = known.length === 0 ? ', so certificates have none, and strict SPIFFE libraries refuse them' : '';
    return { verdict: 'warn', cause: ignored + effect, remedy: 'write the names without a prefix', command };
  }
  if (known.length === 0) {
    const cause = 'key_usage is empty, so certificates have none, and strict SPIFFE libraries refuse them';
    return { verdict: 'warn', cause, command };
  }
  return pass(`key_usage: ${known.join(', ')}`);
}

function judgeExtendedKeyUsage({ serverFlag, clientFlag, extKeyUsage }: PkiRole, subject: VaultSubject): Judgement {
  const has = (name: string) => extKeyUsage.some((usage) => usage.trim().toLowerCase() === name);
  const server = serverFlag || has('serverauth');
  const client = clientFlag || has('clientauth');
  if (server && client) return pass('certificates are for servers and for clients');
  const missing = [...(server ? [] : ['servers']), ...(client ? [] : ['clients'])];
  return {
    verdict: 'fail',
    cause: `certificates are not for ${missing.join(' and ')}; in a mesh everybody is both (X509-SVID, 4.4)`,
    command: patch(subject, 'server_flag=true', 'client_flag=true'),
  };
}

function judgeBasicConstraints(role: PkiRole, subject: VaultSubject): Judgement {
  if (role.basicConstraintsValidForNonCa) return pass('certificates say that they are no CA');
  return {
    verdict: 'warn',
    cause: 'certificates have no basic constraints, and the SPIFFE libraries of Python and Rust refuse those',
    command: patch(subject, 'basic_constraints_valid_for_non_ca=true'),
  };
}

function judgeLifetime({ maxTtlSeconds }: PkiRole, subject: VaultSubject): Judgement {
  const { ttlSeconds } = subject;
  if (maxTtlSeconds === 0) return pass('max_ttl is that of the mount; the trial shows it');
  if (maxTtlSeconds >= ttlSeconds) return pass(`max_ttl is ${formatDuration(maxTtlSeconds)}`);
  const [got, asked] = [maxTtlSeconds, ttlSeconds].map(formatDuration);
  return {
    verdict: 'warn',
    cause: `max_ttl is ${got}, so certificates live ${got} instead of the ${asked} that the Mesh wants, without an error`,
    remedy: 'lower dpCert.rotation.expiration to that, or raise the limit',
    command: patch(subject, `max_ttl=${ttlSeconds}s`),
  };
}

function judgeBackDating({ notBeforeSeconds }: PkiRole, subject: VaultSubject): Judgement {
  if (notBeforeSeconds >= 10) return pass(`certificates begin ${formatDuration(notBeforeSeconds)} in the past`);
  return {
    verdict: 'warn',
    cause: `not_before_duration is ${notBeforeSeconds} s: whoever's clock is behind by more takes no new certificate`,
    command: patch(subject, 'not_before_duration=30s'),
  };
}

function judgeLeases({ generateLease }: PkiRole, subject: VaultSubject): Judgement {
  if (!generateLease) return pass('no leases are made');
  return {
    verdict: 'warn',
    cause: 'generate_lease ties each certificate to the token that asked: Vault revokes it when that token ends',
    command: patch(subject, 'generate_lease=false'),
  };
}

function judgeStorage({ noStore }: PkiRole, subject: VaultSubject): Judgement {
  if (noStore) return pass('certificates are not kept by Vault');
  return {
    verdict: 'warn',
    cause: 'Vault keeps a copy of each certificate until somebody tidies up, which fills its storage',
    remedy: 'keep none; where they are wanted for revocation, enable auto-tidy instead, and let this warning be',
    command: patch(subject, 'no_store=true'),
  };
}
