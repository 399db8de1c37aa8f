import { pkiMountOf } from '../../issuer/vault/administered.ts';
import { asNumber, asRecord, asString, asStrings } from '../../issuer/vault/json.ts';
import type { Login } from '../../issuer/vault/login.ts';
import { explainStatus } from '../../issuer/vault/status-errors.ts';
import type { Checked, Examination, Outcome } from '../examination.ts';
import type { DoctorPorts } from '../ports.ts';
import type { Grants } from './capabilities.ts';
import type { Contact } from './contact.ts';
import { ROLE_RULES } from './role-rules.ts';
import type { VaultSubject } from './subject.ts';

/** What matters of a PKI role (GET PKI/roles/ROLE). */
export interface PkiRole {
  readonly allowedUriSans: readonly string[];
  readonly allowedUriSansTemplate: boolean;
  readonly allowAnyName: boolean;
  readonly requireCn: boolean;
  /** `rsa`, `ec`, `ed25519`, `any` */
  readonly keyType: string;
  readonly keyBits: number;
  /** As they were written, also those that Vault does not know. */
  readonly keyUsage: readonly string[];
  readonly extKeyUsage: readonly string[];
  readonly serverFlag: boolean;
  readonly clientFlag: boolean;
  readonly basicConstraintsValidForNonCa: boolean;
  readonly noStore: boolean;
  readonly generateLease: boolean;
  /** 0: that of the mount. */
  readonly maxTtlSeconds: number;
  readonly notBeforeSeconds: number;
  readonly issuerRef: string;
}

/** Empty: it may not be read. */
export interface ReadRole {
  readonly role?: PkiRole;
}

interface Needed {
  readonly login: Checked<Login>;
  readonly contact: Checked<Contact>;
  readonly grants: Checked<Grants>;
  readonly ports: DoctorPorts;
}

/** Reads the role, where we or the person who asks may, and judges each parameter that matters. */
export async function checkRole(
  examination: Examination,
  subject: VaultSubject,
  { login, contact, grants, ports }: Needed,
): Promise<Checked<ReadRole>> {
  const found = await examination.check(
    'role',
    [contact, login],
    async ({ ask }, { token }): Promise<Outcome<ReadRole>> => {
      const { role: name, address } = subject.vault;
      const pki = pkiMountOf(subject.vault.pki);
      const path = `${pki}/roles/${name}`;
      const read = (reader: string | undefined) =>
        ask({ method: 'GET', path, token: reader, purpose: 'reading the role' });
      let answer = await read(token);
      if (answer.status === 403 && ports.adminToken !== undefined) answer = await read(ports.adminToken);
      if (answer.status === 403) {
        return {
          verdict: 'skip',
          cause: `our token may not read ${path}; with VAULT_TOKEN of somebody who may, its parameters are checked too`,
          value: {},
        };
      }
      if (answer.status === 404) {
        const hasEngine = answer.complaint === '';
        return {
          verdict: 'fail',
          cause: hasEngine ? `there is no role "${name}" in ${pki}` : `there is no secrets engine at ${pki}`,
          remedy: hasEngine
            ? 'set conf.fromCp.role to one that is listed, or make it with meshcert setup vault'
            : 'set conf.fromCp.pki (the mount point, letter by letter) to one that is listed',
          command: hasEngine ? `vault list ${pki}/roles` : 'vault secrets list',
        };
      }
      if (answer.status !== 200) {
        const { message, remedy } = explainStatus(answer, address, 'reading the role');
        return { verdict: 'fail', cause: message, remedy };
      }
      return {
        verdict: 'pass',
        cause: `${path} can be read`,
        value: { role: readRole(asRecord(asRecord(answer.body).data)) },
      };
    },
  );
  const role: Checked<PkiRole> = { ...found, value: found.value?.role };
  const facts: Checked<Grants> = { ...grants, value: grants.value ?? {} };
  for (const [name, rule] of ROLE_RULES) {
    await examination.check(name, [role, facts], (found, granted) => rule(found, subject, granted));
  }
  return found;
}

function readRole(data: Readonly<Record<string, unknown>>): PkiRole {
  return {
    allowedUriSans: asStrings(data.allowed_uri_sans),
    allowedUriSansTemplate: data.allowed_uri_sans_template === true,
    allowAnyName: data.allow_any_name === true,
    requireCn: data.require_cn !== false,
    keyType: asString(data.key_type) ?? 'rsa',
    keyBits: asNumber(data.key_bits) ?? 0,
    keyUsage: asStrings(data.key_usage),
    extKeyUsage: asStrings(data.ext_key_usage),
    serverFlag: data.server_flag !== false,
    clientFlag: data.client_flag !== false,
    basicConstraintsValidForNonCa: data.basic_constraints_valid_for_non_ca === true,
    noStore: data.no_store === true,
    generateLease: data.generate_lease === true,
    maxTtlSeconds: asNumber(data.max_ttl) ?? 0,
    notBeforeSeconds: asNumber(data.not_before_duration) ?? 30,
    issuerRef: asString(data.issuer_ref) ?? 'default',
  };
}
