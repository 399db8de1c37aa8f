import { createPublicKey, type KeyObject, sign } from 'node:crypto';
import { encode, encodeOid, TAG } from './der.ts';
import type { SpiffeId } from './spiffe-id.ts';

const OID = {
  extensionRequest: '1.2.840.113549.1.9.14',
  subjectAltName: '2.5.29.17',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  ecdsaWithSha384: '1.2.840.10045.4.3.3',
  sha256WithRsa: '1.2.840.113549.1.1.11',
} as const;

/** GeneralName, uniformResourceIdentifier [6] (RFC 5280, 4.2.1.6). */
const TAG_URI = 0x86;
/** CertificationRequestInfo, attributes [0] (RFC 2986, 4.1). */
const TAG_ATTRIBUTES = 0xa0;

/**
 * A PKCS#10 request, DER (RFC 2986): no subject and, as cert-manager's approvers want it, the subject alternative name
 * as the only extension; critical, because there is no subject (RFC 5280, 4.2.1.6).
 */
export function makeCsr(spiffeId: SpiffeId, privateKey: KeyObject): Buffer {
  const uri = encode(TAG_URI, Buffer.from(spiffeId.toString(), 'ascii'));
  const subjectAltName = encode(
    TAG.sequence,
    encodeOid(OID.subjectAltName),
    encode(TAG.boolean, Buffer.from([0xff])),
    encode(TAG.octetString, encode(TAG.sequence, uri)),
  );
  const extensionRequest = encode(
    TAG.sequence,
    encodeOid(OID.extensionRequest),
    encode(TAG.set, encode(TAG.sequence, subjectAltName)),
  );
  const info = encode(
    TAG.sequence,
    encode(TAG.integer, Buffer.from([0])),
    encode(TAG.sequence),
    createPublicKey(privateKey).export({ format: 'der', type: 'spki' }),
    encode(TAG_ATTRIBUTES, extensionRequest),
  );
  const { hash, algorithm } = chooseSignature(privateKey);
  const signature = encode(TAG.bitString, Buffer.from([0]), sign(hash, info, privateKey));
  return encode(TAG.sequence, info, algorithm, signature);
}

function chooseSignature(key: KeyObject): { hash: string; algorithm: Buffer } {
  if (key.asymmetricKeyType === 'rsa') {
    return { hash: 'sha256', algorithm: encode(TAG.sequence, encodeOid(OID.sha256WithRsa), encode(TAG.null)) };
  }
  const isP384 = key.asymmetricKeyDetails?.namedCurve === 'secp384r1';
  const oid = isP384 ? OID.ecdsaWithSha384 : OID.ecdsaWithSha256;
  return { hash: isP384 ? 'sha384' : 'sha256', algorithm: encode(TAG.sequence, encodeOid(oid)) };
}
