import { X509Certificate } from 'node:crypto';
import { AgentError } from '../../errors.ts';
import { isIssuedBy, isSelfSigned } from '../../identity/is-issued-by.ts';
import { pemToDer } from '../../identity/pem.ts';

const MAX_ROOTS = 1;
const MAX_INTERMEDIATES = 2;

/** The CA certificates that the user pinned, DER. */
export interface CaChain {
  /** What peers shall trust: the root, or without one the topmost intermediate. */
  readonly anchors: readonly Buffer[];
  readonly intermediates: readonly Buffer[];
}

/** @throws AgentError `ERR_SOURCE` when it holds anything but at most one root and two intermediates. */
export function parseCaChain(pem: string): CaChain {
  // Vault's own `pem_bundle` of an intermediate holds the root, so a chain put together of both has it twice.
  const found = new Map(pemToDer('CERTIFICATE', pem).map((der) => [der.toString('base64'), der]));
  const certificates = [...found.values()].map(parseCa);
  const roots = certificates.filter(isSelfSigned);
  const intermediates = certificates.filter((one) => !roots.includes(one));
  if (certificates.length === 0) throw refuse('it holds no PEM certificate');
  if (roots.length > MAX_ROOTS) throw refuse(`it holds ${roots.length} roots, and one is allowed`);
  if (intermediates.length > MAX_INTERMEDIATES) {
    throw refuse(`it holds ${intermediates.length} intermediates, and two are allowed`);
  }
  const toDer = ({ raw }: X509Certificate) => raw;
  return {
    anchors: (roots.length > 0 ? roots : findTopmost(intermediates)).map(toDer),
    intermediates: intermediates.map(toDer),
  };
}

/** Those that none of the others has issued. */
export function findTopmost(cas: readonly X509Certificate[]): X509Certificate[] {
  return cas.filter((ca) => !cas.some((other) => other !== ca && isIssuedBy(ca, other)));
}

function parseCa(der: Buffer): X509Certificate {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(der);
  } catch (cause) {
    throw refuse('it holds a broken certificate', cause);
  }
  if (!certificate.ca) throw refuse(`"${certificate.subject.replaceAll('\n', ', ')}" is no CA certificate`);
  return certificate;
}

function refuse(why: string, cause?: unknown): AgentError {
  return new AgentError('ERR_SOURCE', `conf.fromCp.caChain cannot be used: ${why}`, {
    remedy: 'put the root, and at most two intermediates, of the CA that Vault signs with there, as PEM',
    cause,
  });
}
