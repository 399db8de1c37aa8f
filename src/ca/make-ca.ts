import 'reflect-metadata';
import { generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import * as x509 from '@peculiar/x509';
import { type Certificate, parseCertificate } from '../identity/certificate.ts';
import { makePrivateKey } from '../identity/key-pair.ts';
import type { CaMaterial } from './ca-material.ts';
import { BACKDATE_MS, identifyIssuer, makeSerialNumber } from './certificate-authority.ts';
import { importSigningKey } from './signing-algorithm.ts';

/** The keys that a CA of ours may have; RSA with so many bits. */
export type CaKeyType = 'ec-p256' | 'ec-p384' | 'ed25519' | `rsa-${number}`;

export interface NewCa {
  readonly privateKey: KeyObject;
  /** The common name, which only people read. */
  readonly name: string;
  /** The CA's own SPIFFE ID is that of the trust domain it signs for (X509-SVID, 3.2). */
  readonly trustDomain: string;
  readonly ttlSeconds: number;
  readonly nowMs: number;
  /** Undefined: a root. Otherwise an intermediate that signs leaves only, and ends no later than its issuers. */
  readonly issuer?: CaMaterial | undefined;
}

/** @returns PKCS#8, PEM. */
export async function makeCaKey(type: CaKeyType): Promise<string> {
  return (await makeKey(type)).export({ format: 'pem', type: 'pkcs8' }).toString();
}

/** A certificate with the extensions of an X509-SVID signing certificate (X509-SVID, 3.2, 4.1 and 4.3). */
export async function makeCaCertificate({
  privateKey,
  name,
  trustDomain,
  ttlSeconds,
  nowMs,
  issuer,
}: NewCa): Promise<Certificate> {
  const own = await importSigningKey(privateKey);
  const signing = issuer === undefined ? own : await importSigningKey(issuer.privateKey);
  const subject = new x509.Name([{ O: ['meshcert'] }, { CN: [name] }]);
  const ends = issuer?.chain.map((one) => one.x509.validToDate.getTime()) ?? [];
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: makeSerialNumber(),
    subject,
    issuer: issuer === undefined ? subject : new x509.X509Certificate(issuer.chain[0].der).subjectName,
    notBefore: new Date(nowMs - BACKDATE_MS),
    notAfter: new Date(Math.min(nowMs + ttlSeconds * 1000, ...ends)),
    publicKey: own.keys.publicKey,
    signingKey: signing.keys.privateKey,
    signingAlgorithm: signing.algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, issuer === undefined ? undefined : 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      new x509.SubjectAlternativeNameExtension([{ type: 'url', value: `spiffe://${trustDomain}` }]),
      await x509.SubjectKeyIdentifierExtension.create(own.keys.publicKey),
      ...(issuer === undefined ? [] : [await identifyIssuer(issuer.chain[0])]),
    ],
  });
  return parseCertificate(Buffer.from(certificate.rawData));
}

async function makeKey(type: CaKeyType): Promise<KeyObject> {
  if (type === 'ec-p256' || type === 'ec-p384') return makePrivateKey(type);
  if (type === 'ed25519') return (await promisify(generateKeyPair)('ed25519')).privateKey;
  return (await promisify(generateKeyPair)('rsa', { modulusLength: Number(type.slice('rsa-'.length)) })).privateKey;
}
