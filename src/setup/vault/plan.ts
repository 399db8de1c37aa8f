import type { KeyType } from '../../identity/key-pair.ts';
import type { SpiffeId } from '../../identity/spiffe-id.ts';
import { pkiMountOf, policyNameOf } from '../../issuer/vault/administered.ts';
import type { VaultConfig } from '../../issuer/vault/config.ts';
import { type Login, planLogin } from './auth.ts';
import { type CaOrigin, caStep } from './ca.ts';
import { mountStep } from './mount.ts';
import { parametersStep, type Value } from './parameters.ts';
import { policyStep } from './policy.ts';
import type { Step } from './step.ts';

/** Of a CA that we make: ten years, as Kuma's own. */
const CA_TTL_SECONDS = 10 * 365 * 86_400;

/** What Vault is to be set up for. */
export interface SetupSubject {
  readonly vault: VaultConfig;
  readonly mesh: string;
  readonly spiffeId: SpiffeId;
  /** Undefined: EC P-256. */
  readonly keyType: KeyType | undefined;
  readonly ttlSeconds: number;
}

export interface SetupChoices {
  readonly ca: CaOrigin;
  /** The role allows this SPIFFE ID alone; else every one of the trust domain. */
  readonly onlyThisService: boolean;
  /** Also grant `issue`, with which Vault makes the private key. */
  readonly grantIssue: boolean;
  readonly login: Login;
}

export interface SetupPlan {
  readonly steps: readonly Step[];
  /** What is left for a person to do, commands among it; a line each. */
  readonly hints: readonly string[];
}

/** Everything that Vault needs before the agent can get its certificate, in the order in which it is made. */
export function planSetup(subject: SetupSubject, choices: SetupChoices): SetupPlan {
  const { vault, mesh, spiffeId } = subject;
  const mount = pkiMountOf(vault.pki);
  const policy = policyNameOf(vault);
  const login = planLogin(vault.auth, policy, choices.login);
  const engine = mountStep({
    kind: 'secrets',
    path: mount,
    type: 'pki',
    maxTtlSeconds: CA_TTL_SECONDS,
    why: ['The engine that signs. Its limit holds for the CA itself, too.'],
  });
  const ca = { mount, mesh, trustDomain: spiffeId.trustDomain, ttlSeconds: CA_TTL_SECONDS };
  const role = parametersStep({
    what: `role ${mount}/roles/${vault.role}`,
    why: [
      `What may be signed: ${choices.onlyThisService ? 'this service alone' : 'every service of the trust domain'}, by the rules of X509-SVID.`,
      'Vault keeps no copies (no_store), as agents ask anew all the time.',
    ],
    path: `${mount}/roles/${vault.role}`,
    values: makeRole(subject, choices),
  });
  const grants = policyStep({
    name: policy,
    why: ['To sign, and to read the role, which meshcert doctor looks at. Nothing else.'],
    grants: [
      [`${vault.pki}/sign/${vault.role}`, ['create', 'update']],
      ...(choices.grantIssue ? [[`${vault.pki}/issue/${vault.role}`, ['create', 'update']] as const] : []),
      [`${mount}/roles/${vault.role}`, ['read']],
    ],
  });
  return { steps: [engine, caStep(ca, choices.ca), role, grants, ...login.steps], hints: login.hints };
}

function makeRole(
  { vault, spiffeId, keyType = 'ec-p256', ttlSeconds }: SetupSubject,
  { onlyThisService }: SetupChoices,
): Readonly<Record<string, Value>> {
  const [, family = 'ec', bits = '256'] = /^(ec|rsa)-p?(\d+)$/.exec(keyType) ?? [];
  return {
    allowed_uri_sans: [onlyThisService ? spiffeId.toString() : `spiffe://${spiffeId.trustDomain}/*`],
    require_cn: false,
    allow_any_name: false,
    allow_localhost: false,
    allow_ip_sans: false,
    ...(vault.commonName !== undefined && allowCommonName(vault.commonName, onlyThisService)),
    key_type: family,
    key_bits: Number(bits),
    key_usage: ['DigitalSignature', 'KeyEncipherment', 'KeyAgreement'],
    server_flag: true,
    client_flag: true,
    basic_constraints_valid_for_non_ca: true,
    no_store: true,
    generate_lease: false,
    not_before_duration: 30,
    max_ttl: ttlSeconds,
    ttl: ttlSeconds,
  };
}

/** A common name is held against the domains, too: `web.mesh` is below `mesh`. */
function allowCommonName(commonName: string, onlyThisService: boolean): Readonly<Record<string, Value>> {
  const [, parent] = /^[^.]+\.(.+)$/.exec(commonName) ?? [];
  const isAlone = onlyThisService || parent === undefined;
  return {
    allowed_domains: [isAlone ? commonName : parent],
    allow_bare_domains: isAlone,
    allow_subdomains: !isAlone,
    cn_validations: ['disabled'],
  };
}
