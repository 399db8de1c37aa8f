import 'reflect-metadata';
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  randomBytes,
  webcrypto,
  X509Certificate,
} from 'node:crypto';
import { promisify } from 'node:util';
import * as x509 from '@peculiar/x509';
import { AgentError } from '../../errors.ts';
import { makePrivateKey } from '../../identity/key-pair.ts';
import type { CaMaker, CaPair } from './ca-files.ts';

/** So far do certificates begin in the past, for peers whose clocks are behind ours. */
const BACKDATE_MS = 30_000;

export interface CertificateAuthority {
  /** DER. */
  readonly certificate: Buffer;
  readonly notAfter: Date;
  /**
   * Signs the public key of a PKCS#10 request (DER) for one SPIFFE ID, with the extensions of an X509-SVID leaf. Nothing
   * else is taken over from the request.
   *
   * @returns DER
   * @throws AgentError `ERR_CA_REFUSED` when the request was not signed with its own key.
   */
  sign(csr: Buffer, spiffeId: string, nowMs: number, notAfter: Date): Promise<Buffer>;
}

export interface NewCa {
  /** Undefined: EC P-256. */
  readonly rsaBits?: number | undefined;
  readonly caTtlSeconds: number;
  /** For the common name, which only people read. */
  readonly name: string;
  readonly trustDomain: string;
  readonly nowMs: number;
}

/**
 * Makes a self-signed root with the extensions of an X509-SVID signing certificate (X509-SVID, 3.2, 4.1 and 4.3), the
 * key first.
 */
export function makeCaMaker(options: NewCa): CaMaker {
  const { rsaBits, caTtlSeconds, name, trustDomain, nowMs } = options;
  return {
    async makeKey() {
      const key = await (rsaBits === undefined ? makePrivateKey('ec-p256') : makeRsaKey(rsaBits));
      return key.export({ format: 'pem', type: 'pkcs8' }).toString();
    },
    async makeCertificate(privateKeyPem) {
      const privateKey = createPrivateKey(privateKeyPem);
      const keys = await importPair(privateKey);
      const certificate = await x509.X509CertificateGenerator.createSelfSigned({
        serialNumber: makeSerialNumber(),
        name: [{ O: ['meshcert'], CN: [name] }],
        notBefore: new Date(nowMs - BACKDATE_MS),
        notAfter: new Date(nowMs + caTtlSeconds * 1000),
        keys,
        signingAlgorithm: signingAlgorithm(privateKey),
        extensions: [
          new x509.BasicConstraintsExtension(true, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
          new x509.SubjectAlternativeNameExtension([{ type: 'url', value: `spiffe://${trustDomain}` }]),
          await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
        ],
      });
      return `${certificate.toString('pem')}\n`;
    },
  };
}

/** @throws AgentError `ERR_SOURCE` when the two do not belong together or are no CA. */
export async function loadCertificateAuthority(pair: CaPair): Promise<CertificateAuthority> {
  const { certificate, privateKey } = parsePair(pair);
  const keys = await importPair(privateKey);
  const issuer = new x509.X509Certificate(certificate.raw);
  return {
    certificate: certificate.raw,
    notAfter: certificate.validToDate,
    async sign(csr, spiffeId, nowMs, notAfter) {
      const request = new x509.Pkcs10CertificateRequest(csr);
      if (!(await request.verify())) {
        throw new AgentError('ERR_CA_REFUSED', 'the signing request is not signed with its own key');
      }
      const leaf = await x509.X509CertificateGenerator.create({
        serialNumber: makeSerialNumber(),
        issuer: issuer.subjectName,
        notBefore: new Date(nowMs - BACKDATE_MS),
        notAfter,
        publicKey: request.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: signingAlgorithm(privateKey),
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment, true),
          new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
          new x509.SubjectAlternativeNameExtension([{ type: 'url', value: spiffeId }], true),
          await x509.AuthorityKeyIdentifierExtension.create(keys.publicKey),
          await x509.SubjectKeyIdentifierExtension.create(request.publicKey),
        ],
      });
      return Buffer.from(leaf.rawData);
    },
  };
}

function parsePair(pair: CaPair): { certificate: X509Certificate; privateKey: KeyObject } {
  try {
    const certificate = new X509Certificate(pair.certificatePem);
    const privateKey = createPrivateKey(pair.privateKeyPem);
    if (!certificate.ca) throw new Error('the certificate is not one of a CA');
    if (!certificate.checkPrivateKey(privateKey)) throw new Error('certificate and key do not belong together');
    return { certificate, privateKey };
  } catch (cause) {
    throw new AgentError('ERR_SOURCE', `the stored CA cannot be used: ${(cause as Error).message}`, {
      remedy: 'move its two files away, and a new CA is made; every peer then has to trust the new one',
      cause,
    });
  }
}

async function makeRsaKey(bits: number): Promise<KeyObject> {
  return (await promisify(generateKeyPair)('rsa', { modulusLength: bits })).privateKey;
}

async function importPair(privateKey: KeyObject): Promise<webcrypto.CryptoKeyPair> {
  const algorithm = signingAlgorithm(privateKey);
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  const pkcs8 = privateKey.export({ format: 'der', type: 'pkcs8' });
  return {
    privateKey: await webcrypto.subtle.importKey('pkcs8', pkcs8, algorithm, false, ['sign']),
    publicKey: await webcrypto.subtle.importKey('spki', spki, algorithm, true, ['verify']),
  };
}

function signingAlgorithm(key: KeyObject) {
  return key.asymmetricKeyType === 'rsa'
    ? { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
    : { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
}

/** 127 random bits: positive, and far over the 64 that the Baseline Requirements ask for. */
function makeSerialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes.readUInt8(0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}
