import { X509Certificate } from 'node:crypto';
import { isSelfSigned } from '../../identity/is-issued-by.ts';
import { pemToDer } from '../../identity/pem.ts';
import { findTopmost } from './ca-chain.ts';

/** @throws Error of OpenSSL when one of them is broken. */
export function parseCertificates(pems: readonly string[]): X509Certificate[] {
  return pems.flatMap((pem) => pemToDer('CERTIFICATE', pem)).map((der) => new X509Certificate(der));
}

export function dropDuplicates(certificates: readonly X509Certificate[]): X509Certificate[] {
  return [...new Map(certificates.map((one) => [one.fingerprint256, one])).values()];
}

/**
 * What peers are to trust, of the CAs that Vault shows: the self-signed ones; or, where the mount knows only its own
 * intermediate, the topmost. Envoy, Go and Java take that as an anchor; OpenSSL does only when told to accept partial
 * chains, so whoever hands it out warns.
 */
export function chooseAnchors(cas: readonly X509Certificate[]): X509Certificate[] {
  const roots = cas.filter(isSelfSigned);
  return roots.length > 0 ? roots : findTopmost(cas);
}
