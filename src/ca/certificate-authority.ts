import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import * as x509 from '@peculiar/x509';
import { AgentError } from '../errors.ts';
import type { Certificate } from '../identity/certificate.ts';
import { type CaMaterial, splitChain } from './ca-material.ts';
import { importSigningKey } from './signing-algorithm.ts';

/** So far do certificates begin in the past, for peers whose clocks are behind ours. */
export const BACKDATE_MS = 30_000;

export interface LeafRequest {
  /** PKCS#10, DER. Only its public key is taken over. */
  readonly csr: Buffer;
  readonly spiffeId: string;
  /** Host names and IP addresses beside it, for those who look for the name of a server. Default: none. */
  readonly hosts?: readonly string[];
  readonly ttlSeconds: number;
}

export interface Certified {
  /** DER: the leaf, then the CAs up to the trust anchor, without it. */
  readonly chain: readonly [Buffer, ...Buffer[]];
  /** DER: the root, or the topmost certificate that is there. */
  readonly trustAnchor: Buffer;
  /** Set when the leaf ends earlier than was asked, as one of its CAs does. */
  readonly cappedAt: Date | undefined;
}

/**
 * Signs the public key of a request for one SPIFFE ID, with the extensions of an X509-SVID leaf (X509-SVID, 2 to 4),
 * and an algorithm that follows the CA's key.
 *
 * @param ca one that passed `requireCa`.
 * @throws AgentError `ERR_CA_REFUSED` when the request is damaged or not signed with its own key, or the CA has ended.
 */
export async function certify(
  ca: CaMaterial,
  { csr, spiffeId, hosts = [], ttlSeconds }: LeafRequest,
  nowMs: number,
): Promise<Certified> {
  const endMs = Math.min(...ca.chain.map((one) => one.x509.validToDate.getTime()));
  if (nowMs >= endMs) {
    throw new AgentError('ERR_CA_REFUSED', `the CA expired at ${new Date(endMs).toISOString()}`, { detail: 'expired' });
  }
  const wantedMs = nowMs + ttlSeconds * 1000;
  const [closest] = ca.chain;
  const publicKey = await readRequestedKey(csr);
  const { keys, algorithm } = await importSigningKey(ca.privateKey);
  const leaf = await x509.X509CertificateGenerator.create({
    serialNumber: makeSerialNumber(),
    issuer: new x509.X509Certificate(closest.der).subjectName,
    notBefore: new Date(Math.max(nowMs - BACKDATE_MS, closest.x509.validFromDate.getTime())),
    notAfter: new Date(Math.min(wantedMs, endMs)),
    publicKey,
    signingKey: keys.privateKey,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      new x509.SubjectAlternativeNameExtension(
        [{ type: 'url', value: spiffeId }, ...hosts.map((value) => ({ type: nameType(value), value }))],
        true,
      ),
      await identifyIssuer(closest),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
    ],
  });
  const { trustAnchor, intermediates } = splitChain(ca.chain);
  return {
    chain: [Buffer.from(leaf.rawData), ...intermediates],
    trustAnchor,
    cappedAt: wantedMs > endMs ? new Date(endMs) : undefined,
  };
}

/**
 * The issuer's own key identifier, however it was made: OpenSSL finds no path where the two differ (RFC 5280, 4.2.1.1).
 */
export async function identifyIssuer(issuer: Certificate): Promise<x509.AuthorityKeyIdentifierExtension> {
  const certificate = new x509.X509Certificate(issuer.der);
  const identifier = certificate.getExtension(x509.SubjectKeyIdentifierExtension);
  if (identifier !== null) return new x509.AuthorityKeyIdentifierExtension(identifier.keyId);
  return x509.AuthorityKeyIdentifierExtension.create(certificate.publicKey);
}

/** 127 random bits: positive, and far over the 64 that the Baseline Requirements ask for. */
export function makeSerialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes.readUInt8(0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

function nameType(host: string): 'ip' | 'dns' {
  return isIP(host) > 0 ? 'ip' : 'dns';
}

async function readRequestedKey(csr: Buffer): Promise<x509.PublicKey> {
  try {
    const request = new x509.Pkcs10CertificateRequest(csr);
    if (await request.verify()) return request.publicKey;
  } catch (cause) {
    throw new AgentError('ERR_CA_REFUSED', 'the signing request cannot be read', { detail: 'request', cause });
  }
  throw new AgentError('ERR_CA_REFUSED', 'the signing request is not signed with its own key', { detail: 'request' });
}
