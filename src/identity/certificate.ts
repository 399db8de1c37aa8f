import { X509Certificate } from 'node:crypto';
import { decodeAll, decodeOid, decodeOne, TAG, type Value } from './der.ts';

/** Bits of the key usage extension that X509-SVID has rules for (RFC 5280, 4.2.1.3), numbered as there. */
const KEY_USAGE_BITS = {
  digitalSignature: 0,
  keyEncipherment: 2,
  keyAgreement: 4,
  keyCertSign: 5,
  cRLSign: 6,
} as const;

export type KeyUsage = keyof typeof KEY_USAGE_BITS;

const TAG_EXTENSIONS = 0xa3;
const TAG_URI = 0x86;

/** A certificate with the extensions that X509-SVID has rules for; Node's own class does not show them. */
export interface Certificate {
  readonly der: Buffer;
  readonly x509: X509Certificate;
  /** Every URI in the subject alternative name, as it stands there. */
  readonly uris: readonly string[];
  /** Undefined: the extension is absent. */
  readonly keyUsage: ReadonlySet<KeyUsage> | undefined;
  /** Object identifiers; undefined: the extension is absent. */
  readonly extendedKeyUsage: ReadonlySet<string> | undefined;
  /** Undefined: the extension is absent, so it is no CA. */
  readonly basicConstraints: { readonly ca: boolean; readonly pathLength: number | undefined } | undefined;
}

/** @throws Error when `der` is not one X.509 v3 certificate. */
export function parseCertificate(der: Buffer): Certificate {
  const x509 = new X509Certificate(der);
  const extensions = readExtensions(der);
  const read = <T>(oid: string, reader: (value: Buffer) => T): T | undefined => {
    const value = extensions.get(oid);
    return value === undefined ? undefined : reader(value);
  };
  return {
    der,
    x509,
    uris: read('2.5.29.17', readUris) ?? [],
    keyUsage: read('2.5.29.15', readKeyUsage),
    extendedKeyUsage: read('2.5.29.37', readExtendedKeyUsage),
    basicConstraints: read('2.5.29.19', readBasicConstraints),
  };
}

/** The extensions by object identifier (RFC 5280, 4.1); each value is DER. */
function readExtensions(der: Buffer): Map<string, Buffer> {
  const [tbs] = decodeAll(decodeOne(der, TAG.sequence).content);
  const holder = decodeAll(tbs?.content ?? Buffer.alloc(0)).find(({ tag }) => tag === TAG_EXTENSIONS);
  if (holder === undefined) return new Map();
  const extensions = new Map<string, Buffer>();
  for (const { content } of decodeAll(decodeOne(holder.content, TAG.sequence).content)) {
    const parts = decodeAll(content);
    const oid = decodeOid(parts.at(0)?.content ?? Buffer.alloc(0));
    if (extensions.has(oid)) throw new RangeError(`DER: extension ${oid} stands there twice`);
    extensions.set(oid, parts.at(-1)?.content ?? Buffer.alloc(0));
  }
  return extensions;
}

function readUris(value: Buffer): string[] {
  const names: Value[] = decodeAll(decodeOne(value, TAG.sequence).content);
  return names.filter(({ tag }) => tag === TAG_URI).map(({ content }) => content.toString('latin1'));
}

function readKeyUsage(value: Buffer): Set<KeyUsage> {
  const bits = decodeOne(value, TAG.bitString).content.subarray(1);
  const isSet = (bit: number) => ((bits[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0;
  const usages = Object.entries(KEY_USAGE_BITS) as [KeyUsage, number][];
  return new Set(usages.filter(([, bit]) => isSet(bit)).map(([usage]) => usage));
}

function readExtendedKeyUsage(value: Buffer): Set<string> {
  return new Set(decodeAll(decodeOne(value, TAG.sequence).content).map(({ content }) => decodeOid(content)));
}

function readBasicConstraints(value: Buffer): { ca: boolean; pathLength: number | undefined } {
  const parts = decodeAll(decodeOne(value, TAG.sequence).content);
  const ca = parts.find(({ tag }) => tag === TAG.boolean)?.content[0] === 0xff;
  const length = parts.find(({ tag }) => tag === TAG.integer)?.content;
  return { ca, pathLength: length === undefined ? undefined : length.readUIntBE(0, length.length) };
}
