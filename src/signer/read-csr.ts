import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { decodeAll, decodeOid, decodeOne, encode, TAG, type Value } from '../identity/der.ts';
import { pemToDer } from '../identity/pem.ts';

/** What a PKCS#10 request asks for (RFC 2986, 4.1), as far as it matters to whoever grants nearly nothing of it. */
export interface Csr {
  readonly der: Buffer;
  readonly hasSubject: boolean;
  readonly publicKey: KeyObject;
  /** Whether it is signed by that key, with SHA-2. */
  readonly isSigned: boolean;
  /** Object identifiers of the attributes beside `extensionRequest`. */
  readonly otherAttributes: readonly string[];
  /** By object identifier; DER. One that stands there twice makes the request unreadable. */
  readonly extensions: ReadonlyMap<string, Buffer>;
}

/** Tag and content of every name in a subject alternative name (RFC 5280, 4.2.1.6). */
export type GeneralName = Value;

const OID_EXTENSION_REQUEST = '1.2.840.113549.1.9.14';
const TAG_ATTRIBUTES = 0xa0;

/** By object identifier of the signature's algorithm. */
const HASHES: Readonly<Record<string, string>> = {
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
};

/** @throws Error unless the text is one request in PEM that can be read to its last byte. */
export function readCsr(pem: string): Csr {
  const [der, ...more] = pemToDer('CERTIFICATE REQUEST', pem);
  if (der === undefined || more.length > 0) throw new RangeError('one request expected');
  const [info, algorithm, signature, ...rest] = decodeAll(decodeOne(der, TAG.sequence).content);
  const [version, subject, keyInfo, attributes, ...others] = decodeAll(take(info, TAG.sequence));
  if (rest.length + others.length > 0) throw new RangeError('more than a request');
  take(version, TAG.integer);
  const publicKey = createPublicKey({
    key: encode(TAG.sequence, take(keyInfo, TAG.sequence)),
    format: 'der',
    type: 'spki',
  });
  const read = decodeAll(take(attributes, TAG_ATTRIBUTES)).map(readAttribute);
  const asked = read.filter(({ oid }) => oid === OID_EXTENSION_REQUEST);
  if (asked.length > 1) throw new RangeError('extensions are asked for twice');
  return {
    der,
    hasSubject: take(subject, TAG.sequence).length > 0,
    publicKey,
    isSigned: isSignedBy(publicKey, encode(TAG.sequence, take(info, TAG.sequence)), algorithm, signature),
    otherAttributes: read.filter(({ oid }) => oid !== OID_EXTENSION_REQUEST).map(({ oid }) => oid),
    extensions: asked[0] === undefined ? new Map() : readExtensions(asked[0].values),
  };
}

/** @throws RangeError when it is none. */
export function readGeneralNames(subjectAltName: Buffer): GeneralName[] {
  return decodeAll(decodeOne(subjectAltName, TAG.sequence).content);
}

function readAttribute({ tag, content }: Value): { oid: string; values: Buffer } {
  if (tag !== TAG.sequence) throw new RangeError('an attribute expected');
  const [oid, values] = decodeAll(content);
  return { oid: decodeOid(take(oid, TAG.oid)), values: take(values, TAG.set) };
}

function readExtensions(values: Buffer): Map<string, Buffer> {
  const extensions = new Map<string, Buffer>();
  for (const { tag, content } of decodeAll(decodeOne(values, TAG.sequence).content)) {
    if (tag !== TAG.sequence) throw new RangeError('an extension expected');
    const parts = decodeAll(content);
    const oid = decodeOid(take(parts[0], TAG.oid));
    if (extensions.has(oid)) throw new RangeError('an extension stands there twice');
    extensions.set(oid, take(parts.at(-1), TAG.octetString));
  }
  return extensions;
}

function isSignedBy(key: KeyObject, info: Buffer, algorithm: Value | undefined, signature: Value | undefined): boolean {
  const [oid] = decodeAll(take(algorithm, TAG.sequence));
  const hash = HASHES[decodeOid(take(oid, TAG.oid))];
  // The first byte of a bit string counts its unused bits.
  return hash !== undefined && verify(hash, info, key, take(signature, TAG.bitString).subarray(1));
}

function take(value: Value | undefined, tag: number): Buffer {
  if (value?.tag !== tag) throw new RangeError(`DER: tag ${tag} expected`);
  return value.content;
}
