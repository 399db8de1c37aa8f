import { X509Certificate } from 'node:crypto';
import type { SecureContext } from 'node:tls';
import type { ReadDataSource } from '../../data-source.ts';
import { AgentError } from '../../errors.ts';
import { pemToDer } from '../../identity/pem.ts';
import { openLastGood } from '../../last-good.ts';
import type { Log } from '../../log.ts';
import { type ClientCertificate, checkInForce, parseClientCertificate } from './client-certificate.ts';
import type { VaultTls } from './config.ts';

interface Material {
  readonly context: SecureContext;
  readonly clientCertificate: ClientCertificate | undefined;
}

/**
 * Whom to believe to be Vault, and who we are to it. The sources are read at each call, so that a changed file counts
 * at the next connection. A change that is no good is refused and told, and what was there is kept: half of a pair that is
 * being replaced, or a file on its way, must not cost certificates. To trust a CA no more, store another one.
 *
 * @param log is told of a refused change; whoever calls the reader once needs none.
 * @returns a reader that throws AgentError `ERR_SOURCE`: nothing good was there yet, or the client certificate is not
 *   valid now.
 */
export function openTlsTrust(
  { caCert, clientCert, clientKey, skipVerify }: VaultTls,
  readSource: ReadDataSource,
  nowMs: () => number,
  log: Pick<Log, 'error'> = { error: () => undefined },
): () => Promise<SecureContext> {
  const sources = [skipVerify ? undefined : caCert, clientCert, clientKey];
  const read = openLastGood(sources, readSource, make, log);
  return async () => {
    const { context, clientCertificate } = await read();
    if (clientCertificate !== undefined) checkInForce(clientCertificate, nowMs());
    return context;
  };
}

async function make([caPem, certificatePem, keyPem]: readonly (string | undefined)[]): Promise<Material> {
  const { createSecureContext, getCACertificates } = await import('node:tls');
  if (caPem !== undefined) checkCas(caPem);
  const clientCertificate = parseClientCertificate(certificatePem, keyPem);
  // The CAs of the operating system, or Node's own list where the system has none.
  const cas = caPem === undefined ? [...new Set(getCACertificates('system'))] : [caPem];
  try {
    const context = createSecureContext({
      minVersion: 'TLSv1.2',
      // Vault's own clients take every certificate in the file as an anchor, whether self-signed or not.
      allowPartialTrustChain: true,
      ...(cas.length > 0 && { ca: cas }),
      ...(clientCertificate && { cert: clientCertificate.pem, key: clientCertificate.keyPem }),
    });
    return { context, clientCertificate };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n', 1)[0] : 'unknown';
    throw new AgentError('ERR_SOURCE', `what conf.fromCp.tls holds cannot be used for TLS: ${reason}`, {
      remedy: 'check every certificate in tls.caCert and tls.clientCert: openssl x509 -text -in FILE',
      cause,
    });
  }
}

/** OpenSSL drops what it cannot read in silence, and would then say that nobody signed Vault's certificate. */
function checkCas(pem: string): void {
  const remedy = "put the PEM certificate of the CA that signed Vault's TLS certificate there";
  const certificates = pemToDer('CERTIFICATE', pem);
  if (certificates.length === 0) {
    throw new AgentError('ERR_SOURCE', 'conf.fromCp.tls.caCert holds no PEM certificate', { remedy });
  }
  for (const [index, der] of certificates.entries()) {
    try {
      new X509Certificate(der);
    } catch (cause) {
      throw new AgentError('ERR_SOURCE', `certificate ${index + 1} in conf.fromCp.tls.caCert is broken`, {
        remedy,
        cause,
      });
    }
  }
}
