import { createPrivateKey, type KeyObject } from 'node:crypto';
import { AgentError } from '../errors.ts';
import { type Certificate, parseCertificate } from '../identity/certificate.ts';
import { derToPem, pemToDer } from '../identity/pem.ts';

/** The closest CA first, each followed by the one that issued it; a root at the end, or not. */
export type CaChain = readonly [Certificate, ...Certificate[]];

/** A CA as it stands in its files: read, not checked. */
export interface CaMaterial {
  readonly chain: CaChain;
  /** That of the first certificate. */
  readonly privateKey: KeyObject;
}

const CERTIFICATE_BEGINS = /-----BEGIN CERTIFICATE-----/g;
const KEY_BLOCK = /-----BEGIN ((?:RSA |EC )?PRIVATE KEY)-----[\s\S]*?-----END \1-----/g;

/**
 * Reads a CA from PEM: its chain, and its key, in any form that OpenSSL writes without a passphrase.
 *
 * @param certificatePem may hold the key, too; then `keyPem` may be undefined.
 * @param what for messages: `the CA of backend "ca-1"`.
 * @throws AgentError `ERR_SOURCE`
 */
export function readCaMaterial(certificatePem: string, keyPem: string | undefined, what: string): CaMaterial {
  return {
    chain: readCaChain(certificatePem, `the certificate of ${what}`),
    privateKey:
      keyPem === undefined
        ? readCaKey(certificatePem, `the certificate of ${what}, where its key is looked for, too,`)
        : readCaKey(keyPem, `the key of ${what}`),
  };
}

/** @throws AgentError `ERR_SOURCE` unless every certificate of the text can be read, and there is one. */
export function readCaChain(text: string, what: string): CaChain {
  const ders = pemToDer('CERTIFICATE', text);
  const begun = text.match(CERTIFICATE_BEGINS)?.length ?? 0;
  // A damaged block is not to shorten the chain in silence.
  if (begun > ders.length)
    throw refuse('malformed', `${what} is damaged: of ${begun} PEM blocks ${ders.length} can be read`);
  const [first, ...rest] = ders.map((der, index) => {
    try {
      return parseCertificate(der);
    } catch (cause) {
      throw refuse('malformed', `${what} is damaged: PEM block ${index + 1} holds no certificate`, { cause });
    }
  });
  if (first === undefined)
    throw refuse('malformed', `${what} holds ${describeOther(text)} instead of a certificate in PEM`);
  return [first, ...rest];
}

/** Whether a text holds a private key, readable or not. */
export function holdsPrivateKey(text: string): boolean {
  return /-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text);
}

/** @throws AgentError `ERR_SOURCE` unless the text holds one private key that can be read. */
export function readCaKey(text: string, what: string): KeyObject {
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(text)) {
    throw refuse('malformed', `${what} is encrypted, and nobody is there to type its passphrase`, {
      remedy: 'run: openssl pkey -in KEY -out DECRYPTED-KEY, and keep that file from others',
    });
  }
  const [block, ...more] = text.match(KEY_BLOCK) ?? [];
  if (more.length > 0) throw refuse('malformed', `${what} is not clear: there are ${more.length + 1} private keys`);
  if (block === undefined) {
    const found = holdsPrivateKey(text) ? 'a damaged private key' : describeOther(text);
    throw refuse('malformed', `${what} holds ${found} instead of a private key in PEM`);
  }
  try {
    return createPrivateKey(block);
  } catch (cause) {
    throw refuse('malformed', `${what} is damaged: the PEM block holds no private key`, { cause });
  }
}

export function chainToPem(chain: CaChain): string {
  return chain.map(({ der }) => derToPem('CERTIFICATE', der)).join('');
}

/** The topmost certificate, which peers trust, and those below it, which travel with a leaf. DER. */
export function splitChain(chain: CaChain): { trustAnchor: Buffer; intermediates: Buffer[] } {
  const ders = chain.map(({ der }) => der);
  return { trustAnchor: ders.at(-1) ?? chain[0].der, intermediates: ders.slice(0, -1) };
}

/** What stands where something else was to stand; the text itself is never shown, as it may be a key. */
function describeOther(text: string): string {
  if (text.trim() === '') return 'nothing';
  const [, label] = /-----BEGIN ([A-Z0-9 ]{1,40})-----/.exec(text) ?? [];
  if (label !== undefined) return `"${label}"`;
  return 'something that is no PEM';
}

function refuse(detail: string, message: string, more: { remedy?: string; cause?: unknown } = {}): AgentError {
  return new AgentError('ERR_SOURCE', message, {
    remedy: 'see what is there: meshcert ca check CERT KEY',
    ...more,
    detail,
  });
}
