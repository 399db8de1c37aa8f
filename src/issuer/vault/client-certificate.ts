import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { AgentError } from '../../errors.ts';
import { pemToDer } from '../../identity/pem.ts';

/** Extended key usages (RFC 5280, 4.2.1.12). */
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
const ANY_USAGE = '2.5.29.37.0';

/** Who we are to a listener of Vault that asks for a client certificate. */
export interface ClientCertificate {
  /** PEM: the leaf, then intermediates. */
  readonly pem: string;
  readonly keyPem: string;
  readonly leaf: X509Certificate;
}

/**
 * Says in words what OpenSSL would say in its own, or Vault not at all.
 *
 * @param pem of the certificates, the leaf first. Undefined, as the key: there is none.
 * @throws AgentError `ERR_SOURCE`
 */
export function parseClientCertificate(
  pem: string | undefined,
  keyPem: string | undefined,
): ClientCertificate | undefined {
  if (pem === undefined && keyPem === undefined) return undefined;
  if (pem === undefined) throw refuse('tls.clientKey is there without tls.clientCert', 'set both, or none');
  if (keyPem === undefined) throw refuse('tls.clientCert is there without tls.clientKey', 'set both, or none');
  const leaf = parseLeaf(pem);
  const key = parseKey(keyPem);
  if (!leaf.checkPrivateKey(key)) {
    throw refuse(
      'the key in tls.clientKey is not that of the certificate in tls.clientCert',
      'replace both together; the certificate itself must stand before its intermediates',
    );
  }
  const usages: readonly string[] | undefined = leaf.keyUsage;
  if (usages !== undefined && !usages.includes(CLIENT_AUTH) && !usages.includes(ANY_USAGE)) {
    throw refuse(
      'the certificate in tls.clientCert is not one for TLS clients',
      'have one signed with usage clientAuth',
    );
  }
  return { pem, keyPem, leaf };
}

/** Vault would only cut the connection. @throws AgentError `ERR_SOURCE` unless the certificate is valid now. */
export function checkInForce({ leaf }: ClientCertificate, nowMs: number): void {
  const now = new Date(nowMs).toISOString();
  const remedy = 'renew it, and check the clock of this machine';
  if (leaf.validToDate.getTime() <= nowMs) {
    const end = leaf.validToDate.toISOString();
    throw refuse(`the certificate in tls.clientCert expired at ${end}; our clock shows ${now}`, remedy);
  }
  if (leaf.validFromDate.getTime() > nowMs) {
    const start = leaf.validFromDate.toISOString();
    throw refuse(`the certificate in tls.clientCert is not valid before ${start}; our clock shows ${now}`, remedy);
  }
}

function parseLeaf(pem: string): X509Certificate {
  const remedy = 'put the PEM certificate that Vault is to know us by there';
  const [der] = pemToDer('CERTIFICATE', pem);
  if (der === undefined) throw refuse('tls.clientCert holds no PEM certificate', remedy);
  try {
    return new X509Certificate(der);
  } catch (cause) {
    throw refuse('the certificate in tls.clientCert is broken', remedy, cause);
  }
}

function parseKey(pem: string): KeyObject {
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(pem)) {
    throw refuse(
      'the key in tls.clientKey is encrypted, and there is nobody here to ask for its passphrase',
      'store it without: openssl pkey -in ENCRYPTED -out KEY',
    );
  }
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw refuse(
      'tls.clientKey holds no private key in PEM',
      'put the key of the certificate in tls.clientCert there',
      cause,
    );
  }
}

function refuse(why: string, remedy: string, cause?: unknown): AgentError {
  return new AgentError('ERR_SOURCE', `no client certificate to show to Vault: ${why}`, { remedy, cause });
}
