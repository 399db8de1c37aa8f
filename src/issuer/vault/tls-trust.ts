import { X509Certificate } from 'node:crypto';
import type { SecureContext } from 'node:tls';
import type { DataSource, ReadDataSource } from '../../data-source.ts';
import { AgentError } from '../../errors.ts';
import { pemToDer } from '../../identity/pem.ts';

/**
 * Whom to believe to be Vault. The source is read at each call, so that a changed CA counts at the next connection;
 * the context is made anew only when the text has changed.
 *
 * @param caCert PEM, any number of CA certificates, intermediates too. Undefined: the CAs of the operating system, or
 *   Node's own list where the system has none.
 */
export function openTlsTrust(caCert: DataSource | undefined, readSource: ReadDataSource): () => Promise<SecureContext> {
  let made: { readonly text: string; readonly context: SecureContext } | undefined;
  return async () => {
    const text = caCert === undefined ? '' : await readSource(caCert);
    if (made?.text !== text) made = { text, context: await makeContext(caCert === undefined ? undefined : text) };
    return made.context;
  };
}

async function makeContext(pem: string | undefined): Promise<SecureContext> {
  const { createSecureContext, getCACertificates } = await import('node:tls');
  if (pem !== undefined) checkCertificates(pem);
  const cas = pem === undefined ? [...new Set(getCACertificates('system'))] : [pem];
  return createSecureContext({
    minVersion: 'TLSv1.2',
    // Vault's own clients take every certificate in the file as an anchor, whether self-signed or not.
    allowPartialTrustChain: true,
    ...(cas.length > 0 && { ca: cas }),
  });
}

/** OpenSSL drops what it cannot read in silence, and would then say that nobody signed Vault's certificate. */
function checkCertificates(pem: string): void {
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
