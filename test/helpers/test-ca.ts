import 'reflect-metadata';
import { createPublicKey, type KeyObject, randomBytes, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { makePrivateKey } from '../../src/identity/key-pair.ts';

const EC = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

export interface LeafOptions {
  readonly uris?: readonly string[];
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  /** Instead of what an X509-SVID has; `null`: the extension is left out. */
  readonly basicConstraints?: x509.Extension | null;
  readonly keyUsage?: x509.Extension | null;
  readonly extendedKeyUsage?: x509.Extension | null;
}

/** A small CA for tests that can make what no CA should. Not for production, not for speed. */
export class TestCa {
  readonly der: Buffer;
  readonly #keys: webcrypto.CryptoKeyPair;
  readonly #certificate: x509.X509Certificate;

  private constructor(certificate: x509.X509Certificate, keys: webcrypto.CryptoKeyPair) {
    this.#certificate = certificate;
    this.#keys = keys;
    this.der = Buffer.from(certificate.rawData);
  }

  static async makeRoot(name = 'root', validity: { notBefore?: Date; notAfter?: Date } = {}): Promise<TestCa> {
    const keys = await makeKeys();
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      serialNumber: serial(),
      name: `CN=${name}`,
      ...span(validity),
      keys,
      signingAlgorithm: EC,
      extensions: [new x509.BasicConstraintsExtension(true, undefined, true), keyUsage('keyCertSign', 'cRLSign')],
    });
    return new TestCa(certificate, keys);
  }

  async makeIntermediate(
    name: string,
    options: { pathLength?: number; notBefore?: Date; notAfter?: Date; ca?: boolean } = {},
  ): Promise<TestCa> {
    const keys = await makeKeys();
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: serial(),
      subject: `CN=${name}`,
      issuer: this.#certificate.subjectName,
      ...span(options),
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: EC,
      extensions: [
        new x509.BasicConstraintsExtension(options.ca ?? true, options.pathLength, true),
        keyUsage('keyCertSign', 'cRLSign'),
      ],
    });
    return new TestCa(certificate, keys);
  }

  /** @param key private or public. @returns DER */
  async signLeaf(key: KeyObject, options: LeafOptions = {}): Promise<Buffer> {
    const algorithm = key.asymmetricKeyType === 'rsa' ? { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' } : EC;
    const publicKey = key.type === 'public' ? key : createPublicKey(key);
    const spki = publicKey.export({ format: 'der', type: 'spki' });
    const extensions = [
      options.basicConstraints === undefined ? basicConstraints(false) : options.basicConstraints,
      options.keyUsage === undefined ? keyUsage('digitalSignature', 'keyEncipherment') : options.keyUsage,
      options.extendedKeyUsage === undefined ? extendedKeyUsage('serverAuth', 'clientAuth') : options.extendedKeyUsage,
      new x509.SubjectAlternativeNameExtension(
        (options.uris ?? ['spiffe://default/web']).map((value) => ({ type: 'url' as const, value })),
        true,
      ),
    ].filter((extension) => extension !== null);
    const leaf = await x509.X509CertificateGenerator.create({
      serialNumber: serial(),
      issuer: this.#certificate.subjectName,
      ...span(options),
      publicKey: await webcrypto.subtle.importKey('spki', spki, algorithm, true, ['verify']),
      signingKey: this.#keys.privateKey,
      signingAlgorithm: EC,
      extensions,
    });
    return Buffer.from(leaf.rawData);
  }
}

export function basicConstraints(ca: boolean): x509.Extension {
  return new x509.BasicConstraintsExtension(ca, undefined, true);
}

export function keyUsage(...usages: (keyof typeof x509.KeyUsageFlags)[]): x509.Extension {
  return new x509.KeyUsagesExtension(
    usages.reduce((flags, usage) => flags | x509.KeyUsageFlags[usage], 0),
    true,
  );
}

export function extendedKeyUsage(...usages: (keyof typeof x509.ExtendedKeyUsage)[]): x509.Extension {
  return new x509.ExtendedKeyUsageExtension(usages.map((usage) => x509.ExtendedKeyUsage[usage]));
}

function span({ notBefore, notAfter }: { notBefore?: Date; notAfter?: Date }): { notBefore: Date; notAfter: Date } {
  return {
    notBefore: notBefore ?? new Date('2025-12-31T00:00:00Z'),
    notAfter: notAfter ?? new Date('2026-01-02T00:00:00Z'),
  };
}

function serial(): string {
  return `4${randomBytes(8).toString('hex').slice(1)}`;
}

async function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  const key = await makePrivateKey('ec-p256');
  return {
    privateKey: await webcrypto.subtle.importKey('pkcs8', key.export({ format: 'der', type: 'pkcs8' }), EC, false, [
      'sign',
    ]),
    publicKey: await webcrypto.subtle.importKey(
      'spki',
      createPublicKey(key).export({ format: 'der', type: 'spki' }),
      EC,
      true,
      ['verify'],
    ),
  };
}

/** The public key in a PKCS#10 request (DER). */
export async function readCsrKey(csr: Buffer): Promise<KeyObject> {
  const key = await new x509.Pkcs10CertificateRequest(csr).publicKey.export();
  const spki = Buffer.from(await webcrypto.subtle.exportKey('spki', key));
  return createPublicKey({ key: spki, format: 'der', type: 'spki' });
}
