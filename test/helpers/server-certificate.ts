import 'reflect-metadata';
import { KeyObject, randomBytes, webcrypto } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';

const EC = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 86_400_000;

/** A server's key and certificate under a CA of its own, valid for 127.0.0.1 and localhost, as PEM and as files. */
export interface ServerCertificate {
  readonly caPem: string;
  readonly caFile: string;
  readonly certificateFile: string;
  readonly keyFile: string;
}

/**
 * Writes `<name>-ca.crt`, `<name>.crt` and `<name>.key` into the folder. EC P-256.
 *
 * @param leftMs how long it is still valid; default a day. It began a day ago.
 */
export async function makeServerCertificate(
  directory: string,
  name: string,
  leftMs = DAY_MS,
): Promise<ServerCertificate> {
  const [caKeys, keys] = await Promise.all([makeKeys(), makeKeys()]);
  const validity = { notBefore: new Date(Date.now() - DAY_MS), notAfter: new Date(Date.now() + DAY_MS) };
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: `CN=${name} test CA`,
    ...validity,
    keys: caKeys,
    signingAlgorithm: EC,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ],
  });
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: `CN=${name}`,
    issuer: ca.subjectName,
    notBefore: validity.notBefore,
    notAfter: new Date(Date.now() + leftMs),
    publicKey: keys.publicKey,
    signingKey: caKeys.privateKey,
    signingAlgorithm: EC,
    extensions: [
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([
        { type: 'ip', value: '127.0.0.1' },
        { type: 'dns', value: 'localhost' },
      ]),
    ],
  });
  const caPem = ca.toString('pem');
  const key = KeyObject.from(keys.privateKey).export({ format: 'pem', type: 'pkcs8' });
  const write = (file: string, content: string | Buffer) => {
    const path = join(directory, file);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  };
  return {
    caPem,
    caFile: write(`${name}-ca.crt`, caPem),
    certificateFile: write(`${name}.crt`, certificate.toString('pem')),
    keyFile: write(`${name}.key`, key),
  };
}

async function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return (await webcrypto.subtle.generateKey(EC, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
}

function serial(): string {
  return `4${randomBytes(8).toString('hex').slice(1)}`;
}
