import type { X509Certificate } from 'node:crypto';
import { AgentError } from '../../errors.ts';
import { chooseAnchors, dropDuplicates, parseCertificates } from './anchors.ts';
import type { AskVault, VaultAnswer } from './client.ts';
import { asRecord, asString, asStrings } from './json.ts';
import { explainStatus } from './status-errors.ts';

/** Where the CA is that is asked; `pki` may end in `/issuer/REF`. */
export interface VaultCa {
  readonly address: string;
  readonly pki: string;
}

/**
 * Whether Vault could sign now, as far as it tells without a login: its health, and whether the mount has a CA that is
 * valid. A standby will do, as it passes requests on; that it can is seen by the second question.
 *
 * @throws AgentError why it could not.
 */
export async function probeVault({ address, pki }: VaultCa, ask: AskVault, nowMs: number): Promise<void> {
  const answer = await ask({
    method: 'GET',
    path: 'sys/health',
    query: { standbyok: 'true', perfstandbyok: 'true' },
    // As load balancers ask it: within a namespace it is no path of Vault's.
    ignoresNamespace: true,
    purpose: 'asking for its health',
  });
  // A gateway may hide the path from us, which says nothing about Vault.
  const isHidden = [400, 403, 404, 405].includes(answer.status);
  if (answer.status !== 200 && !isHidden) throw explainIllness(answer, address);

  const [issuer] = await readCertificates({ address, pki }, ask);
  const vaultNowMs = answer.vaultNowMs ?? nowMs;
  if (issuer !== undefined && issuer.validToDate.getTime() <= vaultNowMs) {
    const end = issuer.validToDate.toISOString();
    throw new AgentError('ERR_CA_REFUSED', `the CA of ${pki} in Vault at ${address} expired at ${end}`, {
      remedy: `make a new one: vault write ${pki}/root/rotate/internal ...`,
    });
  }
}

/**
 * What peers must trust to accept leaves of the mount's default issuer, DER; read without a token.
 *
 * A role that names another issuer (`issuer_ref`) is not seen here: its CA becomes known with its first certificate.
 *
 * @throws AgentError
 */
export async function readRoots(ca: VaultCa, ask: AskVault): Promise<readonly Buffer[]> {
  return chooseAnchors(await readCertificates(ca, ask)).map(({ raw }) => raw);
}

/** The CA that signs, then those above it as far as the mount knows them. Not empty. */
async function readCertificates({ address, pki }: VaultCa, ask: AskVault): Promise<X509Certificate[]> {
  const path = /\/issuer\/[^/]+$/.test(pki) ? `${pki}/json` : `${pki}/cert/ca_chain`;
  const answer = await ask({ method: 'GET', path, purpose: 'reading its CA' });
  if (answer.status !== 200) throw explainNoCa(answer, { address, pki });
  const data = asRecord(asRecord(answer.body).data);
  // A list under `issuer/REF`, one text under `cert`; Vault before 1.11 has only `certificate`.
  const chain = asStrings(data.ca_chain).concat(asString(data.ca_chain) ?? []);
  let found: X509Certificate[] = [];
  try {
    found = dropDuplicates(parseCertificates([...chain, asString(data.certificate) ?? '']));
  } catch {
    // As if there was none: it is of no use.
  }
  if (found.length > 0) return found;
  throw new AgentError('ERR_CA_PROTOCOL', `Vault at ${address} shows no certificate of the CA of ${pki}`, {
    remedy: 'check that conf.fromCp.pki is a PKI engine',
  });
}

function explainNoCa(answer: VaultAnswer, { address, pki }: VaultCa): AgentError {
  // To those without a token, what does not exist is forbidden.
  if (answer.status === 403 || answer.status === 404) {
    return new AgentError('ERR_CA_REFUSED', `Vault at ${address} has no PKI engine at ${pki}`, {
      remedy: 'set conf.fromCp.pki to one of: vault secrets list',
    });
  }
  if (/no default issuer/.test(answer.complaint)) {
    return new AgentError('ERR_CA_REFUSED', `the PKI engine ${pki} in Vault at ${address} has no CA yet`, {
      remedy: `make one: vault write ${pki}/root/generate/internal common_name=...`,
    });
  }
  return explainIllness(answer, address);
}

function explainIllness(answer: VaultAnswer, address: string): AgentError {
  const isSealed = asRecord(answer.body).sealed === true && asRecord(answer.body).initialized === true;
  return explainStatus(isSealed ? { ...answer, complaint: 'sealed' } : answer, address, 'asking for its health');
}
