/**
 * What a certificate must be for a CA of a mesh: the rules of X509-SVID for signing certificates as Kuma lists them for
 * the `provided` backend, and those of RFC 5280 without which no peer accepts what it signs.
 *
 * @module
 */
import type { KeyObject } from 'node:crypto';
import type { Certificate } from '../identity/certificate.ts';
import type { CaChain } from './ca-material.ts';
import { describeKey, isSigningKey, readPublicKey } from './signing-algorithm.ts';

/** Which rule; a bounded label of metrics. */
export type CaRule =
  | 'not_ca'
  | 'key_cert_sign'
  | 'key_agreement'
  | 'digital_signature'
  | 'key_encipherment'
  | 'path_length'
  | 'key_type'
  | 'key_size'
  | 'spiffe_id'
  | 'not_yet_valid'
  | 'expired'
  | 'expires_soon'
  | 'issuer'
  | 'root'
  | 'key_mismatch';

/** One certificate of a chain, and what its rules look at. */
export interface Subject {
  readonly certificate: Certificate;
  readonly chain: CaChain;
  /** 0: the CA that signs. Also the number of CAs between it and the leaf. */
  readonly index: number;
  /** Undefined: the key is not at hand, and not looked at. */
  readonly privateKey: KeyObject | undefined;
  readonly nowMs: number;
}

export interface Rule {
  readonly rule: CaRule;
  /** MUST: fail; SHOULD: warn. */
  readonly broken: 'fail' | 'warn';
  readonly kept: string;
  /** Why it is broken; undefined when it is kept. */
  readonly complain: (subject: Subject) => string | undefined;
  /** Default: to each certificate. */
  readonly appliesTo?: (subject: Subject) => boolean;
}

const DAY_MS = 86_400_000;

/** A CA is said to end soon in the last fifth of its life, but not before this: the default life of certificates. */
const SOON_MS = 30 * DAY_MS;

const isFirst = ({ index }: Subject) => index === 0;
const isLast = ({ index, chain }: Subject) => index === chain.length - 1;

export const CA_RULES: readonly Rule[] = [
  {
    rule: 'not_ca',
    broken: 'fail',
    kept: 'the basic constraints say CA:TRUE',
    complain: ({ certificate }) =>
      certificate.basicConstraints?.ca === true
        ? undefined
        : 'is not the certificate of a CA: the basic constraints do not say CA:TRUE (X509-SVID, 4.1)',
  },
  {
    rule: 'key_cert_sign',
    broken: 'fail',
    kept: 'the key usage has keyCertSign',
    complain: ({ certificate }) =>
      certificate.keyUsage?.has('keyCertSign')
        ? undefined
        : 'may not sign certificates: the key usage lacks keyCertSign (X509-SVID, 4.3)',
  },
  {
    rule: 'key_agreement',
    broken: 'fail',
    kept: 'the key usage has no keyAgreement',
    complain: ({ certificate }) =>
      certificate.keyUsage?.has('keyAgreement')
        ? 'has keyAgreement in its key usage, which a CA must not have (X509-SVID, appendix A)'
        : undefined,
  },
  {
    rule: 'digital_signature',
    broken: 'warn',
    kept: 'the key usage has no digitalSignature',
    complain: ({ certificate }) =>
      certificate.keyUsage?.has('digitalSignature')
        ? 'has digitalSignature in its key usage, which a CA should not have (X509-SVID, appendix A)'
        : undefined,
  },
  {
    rule: 'key_encipherment',
    broken: 'warn',
    kept: 'the key usage has no keyEncipherment',
    complain: ({ certificate }) =>
      certificate.keyUsage?.has('keyEncipherment')
        ? 'has keyEncipherment in its key usage, which a CA should not have (X509-SVID, appendix A)'
        : undefined,
  },
  {
    rule: 'path_length',
    broken: 'fail',
    kept: 'the path length allows the CAs below it',
    complain: ({ certificate: { basicConstraints }, index }) =>
      (basicConstraints?.pathLength ?? index) >= index
        ? undefined
        : `allows ${basicConstraints?.pathLength} CAs below it, and there are ${index} (RFC 5280, 4.2.1.9)`,
  },
  {
    rule: 'key_type',
    broken: 'fail',
    kept: 'its key can sign here',
    complain: ({ certificate }) =>
      isSigningKey(readPublicKey(certificate))
        ? undefined
        : `has a key that cannot sign here (${describeKey(readPublicKey(certificate))}): expected RSA, EC P-256, P-384 or P-521, or Ed25519`,
    appliesTo: isFirst,
  },
  {
    rule: 'key_size',
    broken: 'warn',
    kept: 'its key is long enough',
    complain: ({ certificate }) => {
      const bits = readPublicKey(certificate)?.asymmetricKeyDetails?.modulusLength ?? 2048;
      return bits < 2048 ? `has an RSA key of ${bits} bits, which many peers refuse: expected 2048 or more` : undefined;
    },
  },
  {
    rule: 'spiffe_id',
    broken: 'warn',
    kept: 'it has no SPIFFE ID, or that of a trust domain',
    complain: ({ certificate }) => {
      const wrong = certificate.uris.find((uri) => /^spiffe:\/\/[^/]*\/./i.test(uri));
      return wrong && `has the SPIFFE ID of a workload, ${JSON.stringify(wrong.slice(0, 200))} (X509-SVID, 3.2)`;
    },
  },
  {
    rule: 'not_yet_valid',
    broken: 'fail',
    kept: 'it is valid already',
    complain: ({ certificate: { x509 }, nowMs }) =>
      nowMs < x509.validFromDate.getTime()
        ? `begins at ${x509.validFromDate.toISOString()}, and the clock shows ${new Date(nowMs).toISOString()}`
        : undefined,
  },
  {
    rule: 'expired',
    broken: 'fail',
    kept: 'it is still valid',
    complain: ({ certificate: { x509 }, nowMs }) =>
      hasEnded(x509.validToDate, nowMs)
        ? `expired at ${x509.validToDate.toISOString()}, and the clock shows ${new Date(nowMs).toISOString()}`
        : undefined,
  },
  {
    rule: 'expires_soon',
    broken: 'warn',
    kept: 'it is valid for long enough',
    complain: ({ certificate: { x509 }, nowMs }) => {
      const [fromMs, toMs] = [x509.validFromDate.getTime(), x509.validToDate.getTime()];
      if (toMs - nowMs >= Math.min(SOON_MS, (toMs - fromMs) / 5)) return undefined;
      return `ends soon, at ${x509.validToDate.toISOString()}; no certificate outlives it`;
    },
    appliesTo: ({ certificate, nowMs }) => !hasEnded(certificate.x509.validToDate, nowMs),
  },
  {
    rule: 'issuer',
    broken: 'fail',
    kept: 'the next certificate issued it',
    complain: ({ certificate, chain, index }) => {
      const next = chain[index + 1];
      if (next === undefined || hasIssued(next, certificate)) return undefined;
      return `was not issued by certificate ${index + 2}: expected the closest CA first, each followed by the one that issued it`;
    },
    appliesTo: (subject) => !isLast(subject),
  },
  {
    rule: 'root',
    broken: 'warn',
    kept: 'it is a root, which peers can trust',
    complain: ({ certificate }) =>
      hasIssued(certificate, certificate)
        ? undefined
        : 'is trusted by peers, but it is no root, and programs that demand one refuse it: add the certificates up to the root',
    appliesTo: isLast,
  },
  {
    rule: 'key_mismatch',
    broken: 'fail',
    kept: 'the key belongs to it',
    complain: ({ certificate, chain, privateKey }) => {
      if (privateKey === undefined || certificate.x509.checkPrivateKey(privateKey)) return undefined;
      const owner = chain.findIndex(({ x509 }) => x509.checkPrivateKey(privateKey));
      return owner < 0
        ? 'does not belong to the key'
        : `does not belong to the key: certificate ${owner + 1} does, and has to stand first`;
    },
    appliesTo: (subject) => isFirst(subject) && subject.privateKey !== undefined,
  },
];

function hasIssued(issuer: Certificate, certificate: Certificate): boolean {
  const key = readPublicKey(issuer);
  try {
    return key !== undefined && certificate.x509.issuer === issuer.x509.subject && certificate.x509.verify(key);
  } catch {
    return false;
  }
}

function hasEnded(validTo: Date, nowMs: number): boolean {
  return nowMs >= validTo.getTime();
}
