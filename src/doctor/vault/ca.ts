import { X509Certificate } from 'node:crypto';
import { formatDuration } from '../../format-duration.ts';
import { pemToDer } from '../../identity/pem.ts';
import { pkiMountOf } from '../../issuer/vault/administered.ts';
import { asRecord, asString } from '../../issuer/vault/json.ts';
import type { Checked, Examination, Outcome } from '../examination.ts';
import type { DoctorPorts } from '../ports.ts';
import type { Contact } from './contact.ts';
import type { ReadRole } from './role.ts';
import type { VaultSubject } from './subject.ts';

/** Renewing a CA takes people, and every peer has to trust the new one first. */
const NOTICE_SECONDS = 30 * 86_400;

interface Needed {
  readonly contact: Checked<Contact>;
  readonly role: Checked<ReadRole>;
  readonly ports: DoctorPorts;
}

/** How long the CA that signs will last (GET PKI/issuer/REF/json, which takes no token). */
export async function checkCa(
  examination: Examination,
  subject: VaultSubject,
  { contact, role, ports }: Needed,
): Promise<Checked<true>> {
  const pki = pkiMountOf(subject.vault.pki);
  return examination.check('ca', [contact], async ({ ask }): Promise<Outcome<true>> => {
    // A path with an issuer of its own goes before that of the role.
    const [, named] = /\/issuer\/([^/]+)$/.exec(subject.vault.pki) ?? [];
    const path = `${pki}/issuer/${named ?? role.value?.role?.issuerRef ?? 'default'}/json`;
    const answer = await ask({ method: 'GET', path, purpose: 'reading the certificate of its CA' });
    const [der] = pemToDer('CERTIFICATE', asString(asRecord(asRecord(answer.body).data).certificate) ?? '');
    if (der !== undefined) return judgeCa(new X509Certificate(der), subject, ports.clock.nowMs());
    // To those without a token, what does not exist is forbidden.
    if (answer.status === 403 || answer.status === 404) {
      return {
        verdict: 'fail',
        cause: `there is no PKI engine at ${pki}`,
        remedy: 'set conf.fromCp.pki (the mount point, letter by letter) to one that is listed, or make it',
        command: 'vault secrets list',
      };
    }
    if (/issuer|certificate/i.test(answer.complaint)) {
      return {
        verdict: 'fail',
        cause: `${pki} has no CA yet`,
        remedy: 'make one; meshcert setup vault does, also under a CA of yours',
        command: `vault write ${pki}/root/generate/internal common_name=${subject.mesh} ttl=87600h`,
      };
    }
    return { verdict: 'skip', cause: `its certificate is not shown (status ${answer.status})`, value: true };
  });
}

function judgeCa(ca: X509Certificate, { ttlSeconds, vault }: VaultSubject, nowMs: number): Outcome<true> {
  const leftSeconds = (ca.validToDate.getTime() - nowMs) / 1000;
  const name = ca.subject?.replaceAll('\n', ', ') || ca.serialNumber;
  const left = formatDuration(leftSeconds);
  if (!ca.ca) return { verdict: 'fail', cause: `the certificate "${name}" in ${vault.pki} is not that of a CA` };
  if (leftSeconds <= 0) {
    return {
      verdict: 'fail',
      cause: `the CA "${name}" has expired`,
      remedy: `renew it in ${vault.pki}, and give the new root to all peers`,
    };
  }
  if (leftSeconds < ttlSeconds) {
    return {
      verdict: 'fail',
      cause: `the CA "${name}" ends in ${left}, before a certificate of ${formatDuration(ttlSeconds)} would`,
      remedy: 'renew the CA; until then ask for less (dpCert.rotation.expiration), or let Vault cut certificates off',
      command: `vault patch ${vault.pki}/issuer/default leaf_not_after_behavior=truncate`,
      value: true,
    };
  }
  if (leftSeconds < ttlSeconds + NOTICE_SECONDS) {
    return {
      verdict: 'warn',
      cause: `the CA "${name}" ends in ${left}`,
      remedy: 'renew it now, as every peer has to trust the new one first',
      value: true,
    };
  }
  return { verdict: 'pass', cause: `"${name}", ends in ${left}`, value: true };
}
