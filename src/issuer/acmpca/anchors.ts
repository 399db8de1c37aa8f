import { X509Certificate } from 'node:crypto';
import { AgentError } from '../../errors.ts';
import { isIssuedBy, isSelfSigned } from '../../identity/is-issued-by.ts';
import { pemToDer } from '../../identity/pem.ts';
import type { PemChain } from './private-ca.ts';

/** What the user wants peers to trust, and what stood with it; DER. */
export interface PinnedAnchors {
  readonly anchors: readonly Buffer[];
  readonly intermediates: readonly Buffer[];
}

/** @throws AgentError `ERR_SOURCE` unless the PEM holds CA certificates, and nothing else of that kind. */
export function parsePinnedAnchors(pem: string): PinnedAnchors {
  const remedy = 'put the root of the CA there: aws acm-pca get-certificate-authority-certificate';
  const refuse = (why: string, cause?: unknown) =>
    new AgentError('ERR_SOURCE', `conf.caCert cannot be used: ${why}`, { remedy, cause });
  const certificates = pemToDer('CERTIFICATE', pem).map((der) => {
    let certificate: X509Certificate;
    try {
      certificate = new X509Certificate(der);
    } catch (cause) {
      throw refuse('it holds a broken certificate', cause);
    }
    if (!certificate.ca) throw refuse(`"${certificate.subject.replaceAll('\n', ', ')}" is no CA certificate`);
    return certificate;
  });
  if (certificates.length === 0) throw refuse('it holds no PEM certificate');
  const roots = certificates.filter(isSelfSigned);
  const anchors = roots.length > 0 ? roots : certificates;
  const intermediates = certificates.filter((one) => !anchors.includes(one));
  return { anchors: anchors.map(({ raw }) => raw), intermediates: intermediates.map(({ raw }) => raw) };
}

/** The last of the chain, which AWS ends with the root; a root CA has none above it. */
export function findRoot({ certificate, chain }: PemChain): Buffer {
  return parseChain({ certificate, chain }).at(-1) as Buffer;
}

/** DER, the closest first. @throws AgentError `ERR_CA_PROTOCOL` when it holds none, or a broken one. */
export function parseChain({ certificate, chain }: PemChain): Buffer[] {
  const certificates = pemToDer('CERTIFICATE', `${certificate}\n${chain}`);
  if (certificates.length === 0) throw refuseAnswer('it holds no PEM certificate');
  try {
    return certificates.map((der) => new X509Certificate(der).raw);
  } catch (cause) {
    throw refuseAnswer('it holds a broken certificate', cause);
  }
}

function refuseAnswer(why: string, cause?: unknown): AgentError {
  return new AgentError('ERR_CA_PROTOCOL', `the answer of AWS Private CA cannot be used: ${why}`, {
    remedy: 'check AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_ACM_PCA, if they are set',
    cause,
  });
}

/**
 * Verification would refuse it too, but could not say where the mistake is.
 *
 * @param chain DER: the leaf, then its CAs.
 * @throws AgentError `ERR_SOURCE`
 */
export function checkPinned(chain: readonly Buffer[], { anchors }: PinnedAnchors): void {
  const trusted = anchors.map((der) => new X509Certificate(der));
  const belongs = chain
    .map((der) => new X509Certificate(der))
    .some((one) => trusted.some((anchor) => one.raw.equals(anchor.raw) || isIssuedBy(one, anchor)));
  if (belongs) return;
  throw new AgentError('ERR_SOURCE', 'conf.caCert is not the root of the CA that conf.arn names', {
    remedy: 'put its root there: aws acm-pca get-certificate-authority-certificate',
  });
}
