/**
 * PKCS#12 (RFC 7292) as OpenSSL 3 and Java from 8u301, 11.0.12 or 17 on read it: the key by PBES2 with AES-256, the whole
 * authenticated by HMAC-SHA-256. Certificates are public and lie open in it.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { BmpString, ObjectIdentifier, OctetString } from 'asn1js';
import {
  Attribute,
  AuthenticatedSafe,
  CertBag,
  id_CertBag_X509Certificate,
  PFX,
  PKCS8ShroudedKeyBag,
  PrivateKeyInfo,
  SafeBag,
  SafeContents,
} from 'pkijs';
import type { Generation } from '../../identity/identity.ts';

/** What Java takes by default. */
const ITERATIONS = 10_000;
const HASH = 'SHA-256';
const AES = { name: 'AES-CBC', length: 256 };

const BAG = { key: '1.2.840.113549.1.12.10.1.2', certificate: '1.2.840.113549.1.12.10.1.3' } as const;
const ATTRIBUTE = {
  friendlyName: '1.2.840.113549.1.9.20',
  localKeyId: '1.2.840.113549.1.9.21',
  /** Java takes a certificate for a trusted one only with it; the value names the purposes. */
  javaTrustedKeyUsage: '2.16.840.1.113894.746875.1.1',
} as const;
const ANY_PURPOSE = '2.5.29.37.0';

const KEY_ALIAS = 'meshcert';

/** Private key and chain, as one entry of the alias `meshcert`. DER. */
export async function makeKeyStore({ chain, privateKey }: Generation, password: string): Promise<Buffer> {
  const keyId = createHash('sha1').update(chain[0]).digest();
  const names = [nameAttribute(KEY_ALIAS), new Attribute({ type: ATTRIBUTE.localKeyId, values: [octets(keyId)] })];
  const pkcs8 = privateKey.export({ format: 'der', type: 'pkcs8' });
  const shrouded = new PKCS8ShroudedKeyBag({ parsedValue: PrivateKeyInfo.fromBER(toArrayBuffer(pkcs8)) });
  await shrouded.makeInternalValues({
    password: encode(password),
    contentEncryptionAlgorithm: AES,
    hmacHashAlgorithm: HASH,
    iterationCount: ITERATIONS,
  });
  const certificates = chain.map((der, index) => certificateBag(der, index === 0 ? names : []));
  return seal([[new SafeBag({ bagId: BAG.key, bagValue: shrouded, bagAttributes: names })], certificates], password);
}

/** Trusted certificates of the aliases `ca-1`, `ca-2` and so on. DER. */
export async function makeTrustStore(trustBundle: readonly Buffer[], password: string): Promise<Buffer> {
  const trusted = new Attribute({
    type: ATTRIBUTE.javaTrustedKeyUsage,
    values: [new ObjectIdentifier({ value: ANY_PURPOSE })],
  });
  const bags = trustBundle.map((der, index) => certificateBag(der, [nameAttribute(`ca-${index + 1}`), trusted]));
  return seal([bags], password);
}

async function seal(contents: readonly (readonly SafeBag[])[], password: string): Promise<Buffer> {
  const safeContents = contents.map((safeBags) => ({
    privacyMode: 0,
    value: new SafeContents({ safeBags: [...safeBags] }),
  }));
  const authenticatedSafe = new AuthenticatedSafe({ parsedValue: { safeContents } });
  await authenticatedSafe.makeInternalValues({ safeContents: contents.map(() => ({})) });
  const pfx = new PFX({ parsedValue: { integrityMode: 0, authenticatedSafe } });
  await pfx.makeInternalValues({
    password: encode(password),
    iterations: ITERATIONS,
    pbkdf2HashAlgorithm: HASH,
    hmacHashAlgorithm: HASH,
  });
  return Buffer.from(pfx.toSchema().toBER());
}

/** The bytes as the CA signed them. */
function certificateBag(der: Buffer, bagAttributes: Attribute[]): SafeBag {
  const bagValue = new CertBag({ certId: id_CertBag_X509Certificate, certValue: octets(der) });
  return new SafeBag({
    bagId: BAG.certificate,
    bagValue,
    ...(bagAttributes.length > 0 ? { bagAttributes } : {}),
  });
}

function nameAttribute(name: string): Attribute {
  return new Attribute({ type: ATTRIBUTE.friendlyName, values: [new BmpString({ value: name })] });
}

function octets(bytes: Buffer): OctetString {
  return new OctetString({ valueHex: toArrayBuffer(bytes) });
}

function encode(text: string): ArrayBuffer {
  return toArrayBuffer(Buffer.from(text, 'latin1'));
}

/** A copy of its own: small Buffers share one. */
function toArrayBuffer(bytes: Buffer): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}
