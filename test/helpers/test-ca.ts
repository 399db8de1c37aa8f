import 'reflect-metadata';
import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { derToPem } from '../../src/identity/pem.ts';

const EC = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** The keys that a CA for tests may have, each with what Web Cryptography has to know of it. */
const KEYS = {
  'ec-p256': { make: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }), algorithm: EC },
  'ec-p384': {
    make: () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
    algorithm: { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' },
  },
  'ec-p521': {
    make: () => generateKeyPairSync('ec', { namedCurve: 'P-521' }),
    algorithm: { name: 'ECDSA', namedCurve: 'P-521', hash: 'SHA-512' },
  },
  'rsa-2048': {
    make: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
    algorithm: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  },
  'rsa-1024': {
    make: () => generateKeyPairSync('rsa', { modulusLength: 1024 }),
    algorithm: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  },
  ed25519: { make: () => generateKeyPairSync('ed25519'), algorithm: { name: 'Ed25519' } },
} as const;

export type TestKeyType = keyof typeof KEYS;

export interface TestCaOptions {
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  /** Default ec-p256. */
  readonly keyType?: TestKeyType;
  /** Default: a CA. */
  readonly ca?: boolean;
  readonly pathLength?: number;
  /** Default: keyCertSign and cRLSign; `null`: the extension is left out. */
  readonly keyUsage?: x509.Extension | null;
  /** In the subject alternative name. Default: none. */
  readonly uris?: readonly string[];
  /** Hexadecimal. Default: the SHA-1 of the key, as most CAs make it; `null`: the extension is left out. */
  readonly keyIdentifier?: string | null;
}

export interface LeafOptions {
  /** `CN=web`. Default: none. */
  readonly subject?: string;
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
  readonly privateKey: KeyObject;
  readonly #keys: webcrypto.CryptoKeyPair;
  readonly #algorithm: (typeof KEYS)[TestKeyType]['algorithm'];
  readonly #certificate: x509.X509Certificate;

  private constructor(certificate: x509.X509Certificate, own: TestKeys) {
    this.#certificate = certificate;
    this.#keys = own.keys;
    this.#algorithm = own.algorithm;
    this.privateKey = own.privateKey;
    this.der = Buffer.from(certificate.rawData);
  }

  get certificatePem(): string {
    return derToPem('CERTIFICATE', this.der);
  }

  /** PKCS#8. */
  get keyPem(): string {
    return this.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  }

  static async makeRoot(name = 'root', options: TestCaOptions = {}): Promise<TestCa> {
    const own = await makeKeys(options.keyType);
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      serialNumber: serial(),
      name: `CN=${name}`,
      ...span(options),
      keys: own.keys,
      signingAlgorithm: own.algorithm,
      extensions: await caExtensions(options, own),
    });
    return new TestCa(certificate, own);
  }

  async makeIntermediate(name: string, options: TestCaOptions = {}): Promise<TestCa> {
    const own = await makeKeys(options.keyType);
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: serial(),
      subject: `CN=${name}`,
      issuer: this.#certificate.subjectName,
      ...span(options),
      publicKey: own.keys.publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: this.#algorithm,
      extensions: [...(await caExtensions(options, own)), ...identify(this.#certificate)],
    });
    return new TestCa(certificate, own);
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
      ...(options.subject !== undefined && { subject: options.subject }),
      issuer: this.#certificate.subjectName,
      ...span(options),
      publicKey: await webcrypto.subtle.importKey('spki', spki, algorithm, true, ['verify']),
      signingKey: this.#keys.privateKey,
      signingAlgorithm: this.#algorithm,
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

/** A validity of a hundred days around the present, for tests with the real clock. */
export function inForce(): { notBefore: Date; notAfter: Date } {
  const day = 86_400_000;
  return { notBefore: new Date(Date.now() - day), notAfter: new Date(Date.now() + 99 * day) };
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

async function caExtensions(options: TestCaOptions, { keys }: TestKeys): Promise<x509.Extension[]> {
  const { ca = true, pathLength, keyUsage: usage, uris = [], keyIdentifier } = options;
  const identifier =
    keyIdentifier === undefined
      ? await x509.SubjectKeyIdentifierExtension.create(keys.publicKey)
      : keyIdentifier && new x509.SubjectKeyIdentifierExtension(keyIdentifier);
  const names = uris.map((value) => ({ type: 'url' as const, value }));
  return [
    new x509.BasicConstraintsExtension(ca, pathLength, true),
    ...(usage === null ? [] : [usage ?? keyUsage('keyCertSign', 'cRLSign')]),
    ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)]),
    ...(identifier ? [identifier] : []),
  ];
}

function identify(issuer: x509.X509Certificate): x509.Extension[] {
  const identifier = issuer.getExtension(x509.SubjectKeyIdentifierExtension);
  return identifier === null ? [] : [new x509.AuthorityKeyIdentifierExtension(identifier.keyId)];
}

interface TestKeys {
  readonly privateKey: KeyObject;
  readonly keys: webcrypto.CryptoKeyPair;
  readonly algorithm: (typeof KEYS)[TestKeyType]['algorithm'];
}

async function makeKeys(type: TestKeyType = 'ec-p256'): Promise<TestKeys> {
  const { make, algorithm } = KEYS[type];
  const { privateKey, publicKey } = make();
  const pkcs8 = privateKey.export({ format: 'der', type: 'pkcs8' });
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  const keys = {
    privateKey: await webcrypto.subtle.importKey('pkcs8', pkcs8, algorithm, false, ['sign']),
    publicKey: await webcrypto.subtle.importKey('spki', spki, algorithm, true, ['verify']),
  };
  return { privateKey, keys, algorithm };
}

/** The public key in a PKCS#10 request (DER). */
export async function readCsrKey(csr: Buffer): Promise<KeyObject> {
  const key = await new x509.Pkcs10CertificateRequest(csr).publicKey.export();
  const spki = Buffer.from(await webcrypto.subtle.exportKey('spki', key));
  return createPublicKey({ key: spki, format: 'der', type: 'spki' });
}
