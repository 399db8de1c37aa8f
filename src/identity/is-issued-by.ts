import type { X509Certificate } from 'node:crypto';

/** Whether the names fit and the signature is that of the CA's key. Says nothing of validity and usages. */
export function isIssuedBy(certificate: X509Certificate, ca: X509Certificate): boolean {
  return certificate.checkIssued(ca) && certificate.verify(ca.publicKey);
}

export function isSelfSigned(certificate: X509Certificate): boolean {
  return isIssuedBy(certificate, certificate);
}
