import { X509Certificate } from 'node:crypto';
import { type CaChain, readCaChain } from '../../ca/ca-material.ts';
import { AgentError } from '../../errors.ts';
import type { Certificate } from '../../identity/certificate.ts';
import { isIssuedBy, isSelfSigned } from '../../identity/is-issued-by.ts';
import { pemToDer } from '../../identity/pem.ts';
import type { Issued } from '../issuer.ts';

/** What peers are to trust, and what may stand between that and a leaf. DER. */
export interface Trust {
  readonly anchors: readonly Buffer[];
  readonly intermediates: readonly Buffer[];
}

/**
 * The CAs of a text: the self-signed ones are what peers trust or, where there is none, those that none of the others
 * has issued.
 *
 * @param what for messages: `conf.caCert`.
 * @throws AgentError `ERR_SOURCE`
 */
export function readTrust(pem: string, what: string): Trust {
  const chain: CaChain = readCaChain(pem, what);
  const stranger = chain.find(({ x509 }) => !x509.ca);
  if (stranger !== undefined) {
    const name = (stranger.uris[0] ?? stranger.x509.subject ?? stranger.x509.serialNumber).replaceAll('\n', ', ');
    throw new AgentError('ERR_SOURCE', `${what} holds a certificate that is not that of a CA: ${name.slice(0, 200)}`, {
      remedy: 'put the root of the CA there, as PEM',
      detail: 'malformed',
    });
  }
  const roots = chain.filter(({ x509 }) => isSelfSigned(x509));
  const isTopmost = (one: Certificate) => !chain.some((other) => other !== one && isIssuedBy(one.x509, other.x509));
  const anchors = roots.length > 0 ? roots : chain.filter(isTopmost);
  const toDer = ({ der }: Certificate) => der;
  return { anchors: anchors.map(toDer), intermediates: chain.filter((one) => !anchors.includes(one)).map(toDer) };
}

/** Whether every anchor is a root: OpenSSL accepts another one only when it is told to. */
export function areRoots({ anchors }: Trust): boolean {
  return anchors.map((der) => new X509Certificate(der)).every(isSelfSigned);
}

/**
 * The chain, leaf first however it was written, and what it is to lead to.
 *
 * @throws AgentError `ERR_CA_PROTOCOL` when it holds no certificate that can be read.
 */
export function assemble(certificatePem: string, { anchors, intermediates }: Trust): Issued {
  const ders = pemToDer('CERTIFICATE', certificatePem);
  const isCa = ders.map((der) => {
    try {
      return new X509Certificate(der).ca;
    } catch (cause) {
      throw new AgentError('ERR_CA_PROTOCOL', "cert-manager's answer holds something that is no certificate", {
        cause,
      });
    }
  });
  if (ders.length === 0) throw new AgentError('ERR_CA_PROTOCOL', "cert-manager's answer holds no certificate");
  const leavesFirst = [...ders.filter((_, index) => !isCa[index]), ...ders.filter((_, index) => isCa[index])];
  return { chain: [...leavesFirst, ...intermediates], roots: anchors };
}
