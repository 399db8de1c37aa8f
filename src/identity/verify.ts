import { createPrivateKey, type KeyObject } from 'node:crypto';
import { AgentError } from '../errors.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import { findPath } from './certification-path.ts';
import type { Identity } from './identity.ts';
import type { SpiffeId } from './spiffe-id.ts';

const OID_SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const OID_CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

/** A CA's answer; the same shape as `Issued` of the issuer port, declared here as the values know no issuer. */
export interface Answer {
  /** DER, leaf first. */
  readonly chain: readonly Buffer[];
  /** DER trust anchors. */
  readonly roots: readonly Buffer[];
  /** PKCS#8 or other PEM, when the CA made the key. */
  readonly privateKeyPem?: string;
}

export interface Expected {
  readonly spiffeId: SpiffeId;
  /** The key that the request was signed with; not looked at when the answer brings its own. */
  readonly privateKey: KeyObject;
  /** The life that must be left, in milliseconds, for the identity to be of use. Default 0. */
  readonly leastLifeMs?: number;
}

/** Which rule a refused certificate breaks: the `detail` of ERR_BAD_CERTIFICATE, a bounded label. */
export type BrokenRule =
  | 'malformed'
  | 'spiffe_id'
  | 'key_mismatch'
  | 'ca_certificate'
  | 'key_usage'
  | 'extended_key_usage'
  | 'validity'
  | 'chain';

/**
 * The only maker of identities: checks a CA's answer against every rule for leaves (X509-SVID, sections 2 to 5.2;
 * RFC 5280, section 6).
 *
 * @returns the identity, and what is tolerated but should be mended at the CA, a sentence each.
 * @throws AgentError `ERR_BAD_CERTIFICATE` whose `detail` is the {@link BrokenRule}.
 */
export function verifyIssued(
  answer: Answer,
  expected: Expected,
  nowMs: number,
): { identity: Identity; warnings: string[] } {
  const leafDer = answer.chain[0];
  if (leafDer === undefined) throw refuse('malformed', 'the answer holds no certificate');
  const leaf = parse(leafDer);
  const privateKey = answer.privateKeyPem === undefined ? expected.privateKey : parseKey(answer.privateKeyPem);

  checkSpiffeId(leaf, expected.spiffeId);
  if (!leaf.x509.checkPrivateKey(privateKey)) throw refuse('key_mismatch', 'the certificate belongs to another key');
  checkIsNoCa(leaf);
  checkExtendedKeyUsage(leaf);
  checkValidity(leaf, nowMs, expected.leastLifeMs ?? 0);
  const intermediates = findPath(leaf, answer.chain.slice(1).map(parse), answer.roots.map(parse), nowMs);
  if (typeof intermediates === 'string') throw refuse('chain', intermediates);

  const identity: Identity = {
    spiffeId: expected.spiffeId,
    chain: [leafDer, ...intermediates.map(({ der }) => der)],
    privateKey,
    trustBundle: dropDuplicates(answer.roots),
    serialNumber: leaf.x509.serialNumber,
    notBefore: leaf.x509.validFromDate,
    notAfter: leaf.x509.validToDate,
    issuedAt: new Date(nowMs),
  };
  return { identity, warnings: findTolerated(leaf) };
}

function checkSpiffeId(leaf: Certificate, expected: SpiffeId): void {
  if (leaf.uris.length === 1 && leaf.uris[0] === expected.toString()) return;
  const found =
    leaf.uris.length === 0 ? 'no URI' : leaf.uris.map((uri) => JSON.stringify(uri.slice(0, 200))).join(', ');
  throw refuse('spiffe_id', `the certificate is for ${found} instead of "${expected}" alone`);
}

function checkIsNoCa(leaf: Certificate): void {
  if (leaf.basicConstraints?.ca === true) throw refuse('ca_certificate', 'the certificate is a CA certificate');
  if (leaf.keyUsage?.has('keyCertSign') || leaf.keyUsage?.has('cRLSign')) {
    throw refuse('key_usage', 'the certificate may sign certificates or revocation lists');
  }
  if (leaf.keyUsage?.has('digitalSignature') === false) {
    throw refuse('key_usage', 'the key usage of the certificate lacks digitalSignature');
  }
}

function checkExtendedKeyUsage({ extendedKeyUsage }: Certificate): void {
  if (extendedKeyUsage === undefined) return;
  const missing = [
    extendedKeyUsage.has(OID_SERVER_AUTH) ? [] : ['serverAuth'],
    extendedKeyUsage.has(OID_CLIENT_AUTH) ? [] : ['clientAuth'],
  ].flat();
  if (missing.length > 0) {
    throw refuse('extended_key_usage', `the extended key usage of the certificate lacks ${missing.join(' and ')}`);
  }
}

function checkValidity({ x509 }: Certificate, nowMs: number, leastLifeMs: number): void {
  const now = new Date(nowMs).toISOString();
  if (nowMs < x509.validFromDate.getTime()) {
    throw refuse('validity', `the certificate begins at ${x509.validFromDate.toISOString()}, our clock shows ${now}`, {
      remedy: 'set the clock of this machine',
    });
  }
  if (nowMs >= x509.validToDate.getTime()) {
    throw refuse('validity', `the certificate ended at ${x509.validToDate.toISOString()}, our clock shows ${now}`, {
      remedy: 'set the clock of this machine, or ask for a longer life',
    });
  }
  const leftMs = x509.validToDate.getTime() - nowMs;
  if (leftMs < leastLifeMs) {
    const left = `${(leftMs / 1000).toFixed(1)} s`;
    throw refuse(
      'validity',
      `the certificate lives for ${left} more, too short to be handed over and replaced in time`,
      {
        remedy: 'compare the limits of the CA with dpCert.rotation.expiration',
      },
    );
  }
}

/**
 * X509-SVID demands key usage, and some libraries basic constraints, but the role of Kong Mesh's own Vault document
 * yields certificates with no key usage at all (Vault drops usages written with the prefix `KeyUsage`), and meshes run
 * on them. Absence restricts nothing (RFC 5280, 4.2.1.3), so these are said, not refused.
 */
function findTolerated(leaf: Certificate): string[] {
  const warnings: string[] = [];
  if (leaf.keyUsage === undefined) {
    warnings.push('the CA issues certificates without key usage, which strict SPIFFE libraries refuse');
  }
  if (leaf.basicConstraints === undefined) {
    warnings.push('the CA issues certificates without basic constraints, which some SPIFFE libraries refuse');
  }
  return warnings;
}

function parse(der: Buffer): Certificate {
  try {
    return parseCertificate(der);
  } catch (cause) {
    throw refuse('malformed', 'the answer holds something that is not a certificate', { cause });
  }
}

function parseKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw refuse('malformed', 'the private key in the answer cannot be read', { cause });
  }
}

function dropDuplicates(certificates: readonly Buffer[]): Buffer[] {
  return [...new Map(certificates.map((der) => [der.toString('base64'), der])).values()];
}

function refuse(rule: BrokenRule, why: string, more: { remedy?: string; cause?: unknown } = {}): AgentError {
  return new AgentError('ERR_BAD_CERTIFICATE', `the CA's answer was refused: ${why}`, {
    remedy: 'check the role or template of the CA',
    ...more,
    detail: rule,
  });
}
