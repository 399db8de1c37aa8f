/**
 * As much of DER (X.690) as one CSR and the extensions of a certificate need.
 *
 * On the way to the first certificate @peculiar/x509 would cost half of the whole time, so what is needed there stands
 * here; where we are a CA ourselves, that library is used.
 *
 * @module
 */

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Encodes one value; the parts are concatenated to be its content. */
export function encode(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag]), encodeLength(content.length), content]);
}

/** @param dotted such as `2.5.29.17` */
export function encodeOid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return encode(TAG.oid, Buffer.from([first * 40 + second, ...rest.flatMap(encodeBase128)]));
}

function encodeLength(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const bytes = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Buffer.from([0x80 | bytes.length, ...bytes]);
}

function encodeBase128(arc: number): number[] {
  const bytes = [arc & 0x7f];
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) bytes.unshift((rest & 0x7f) | 0x80);
  return bytes;
}

export interface Value {
  readonly tag: number;
  readonly content: Buffer;
}

/** The values that stand one after the other in `bytes`. @throws RangeError when that is not DER. */
export function decodeAll(bytes: Buffer): Value[] {
  const values: Value[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    const tag = bytes.readUInt8(offset);
    if ((tag & 0x1f) === 0x1f) throw new RangeError('DER: multi-byte tags are not used here');
    const { length, start } = decodeLength(bytes, offset + 1);
    if (start + length > bytes.length) throw new RangeError('DER: value is longer than what holds it');
    values.push({ tag, content: bytes.subarray(start, start + length) });
    offset = start + length;
  }
  return values;
}

/** The single value that `bytes` is. @throws RangeError when that is not so, or the tag is another. */
export function decodeOne(bytes: Buffer, tag: number): Value {
  const [value, ...more] = decodeAll(bytes);
  if (value === undefined || more.length > 0) throw new RangeError('DER: one value expected');
  if (value.tag !== tag) throw new RangeError(`DER: tag ${tag} expected, found ${value.tag}`);
  return value;
}

/** The content of an object identifier, as `2.5.29.17`. */
export function decodeOid(content: Buffer): string {
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of content) {
    arc = arc * 128 + (byte & 0x7f);
    if (byte < 0x80) {
      arcs.push(arc);
      arc = 0;
    }
  }
  const [head = 0, ...rest] = arcs;
  const first = Math.min(Math.floor(head / 40), 2);
  return [first, head - first * 40, ...rest].join('.');
}

function decodeLength(bytes: Buffer, offset: number): { length: number; start: number } {
  const first = bytes.readUInt8(offset);
  if (first < 0x80) return { length: first, start: offset + 1 };
  const size = first & 0x7f;
  if (size === 0 || size > 4) throw new RangeError('DER: length of unusable size');
  return { length: bytes.readUIntBE(offset + 1, size), start: offset + 1 + size };
}
