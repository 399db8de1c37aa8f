import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { plainEnvironment } from './process.ts';
import { runCommand } from './run-command.ts';

/** What openssl, which shares no code with us, reads from a certificate. */
export interface OpensslCertificate {
  /** Upper-case hexadecimal. */
  readonly serialNumber: string;
  /** `URI:spiffe://default/web`, in its order. */
  readonly names: readonly string[];
  /** To the second. */
  readonly notAfter: Date;
}

/** @param pem the first certificate is read. */
export async function readWithOpenssl(pem: string): Promise<OpensslCertificate> {
  const said = await openssl(['x509', '-noout', '-serial', '-enddate', '-ext', 'subjectAltName'], pem);
  const read = (pattern: RegExp) => pattern.exec(said)?.[1] ?? `(not in: ${said})`;
  return {
    serialNumber: read(/^serial=(\w+)$/m),
    names: read(/^X509v3 Subject Alternative Name:.*\n\s+(.*)$/m).split(', '),
    notAfter: new Date(read(/^notAfter=(.*)$/m)),
  };
}

/** Whether openssl can use the pair, and finds a path from the certificate to the bundle. Rejects with its words if not. */
export async function checkPairWithOpenssl(directory: string): Promise<void> {
  const file = (name: string) => join(directory, name);
  const [ofCertificate, ofKey] = await Promise.all([
    openssl(['x509', '-in', file('tls.crt'), '-noout', '-pubkey']),
    openssl(['pkey', '-in', file('tls.key'), '-pubout']),
    openssl(['verify', '-CAfile', file('ca.crt'), '-untrusted', file('tls.crt'), file('tls.crt')]),
  ]);
  if (ofCertificate !== ofKey) throw new Error(`${file('tls.crt')} belongs to another key than ${file('tls.key')}`);
}

/**
 * Rejects with openssl's words unless it finds a path from the certificate to a root.
 *
 * @param pem the certificate; the others are PEM, too.
 * @param options.isStrict by all the rules of RFC 5280, the default; false: by those that openssl has by default.
 */
export async function verifyWithOpenssl(
  pem: string,
  options: {
    readonly intermediates: readonly string[];
    readonly roots: readonly string[];
    readonly isStrict?: boolean;
  },
): Promise<void> {
  const { intermediates, roots, isStrict = true } = options;
  const directory = await mkdtemp(join(tmpdir(), 'meshcert-verify-'));
  try {
    const file = (name: string) => join(directory, name);
    await writeFile(file('roots.pem'), roots.join(''));
    await writeFile(file('others.pem'), intermediates.join(''));
    const untrusted = intermediates.length === 0 ? [] : ['-untrusted', file('others.pem')];
    const strict = isStrict ? ['-x509_strict'] : [];
    await openssl(['verify', ...strict, '-partial_chain', '-CAfile', file('roots.pem'), ...untrusted], pem);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/**
 * Connects as the owner of `identity` would, and verifies what answers.
 *
 * @returns the certificate that is served.
 */
export async function readServedWithOpenssl(port: number, identity: string): Promise<OpensslCertificate> {
  const file = (name: string) => join(identity, name);
  const said = await openssl([
    ...['s_client', '-connect', `127.0.0.1:${port}`, '-tls1_3', '-verify_return_error'],
    ...['-cert', file('tls.crt'), '-key', file('tls.key'), '-CAfile', file('ca.crt')],
  ]);
  return readWithOpenssl(said);
}

function openssl(args: readonly string[], stdin = ''): Promise<string> {
  return runCommand('openssl', args, { env: plainEnvironment(tmpdir()), stdin });
}
