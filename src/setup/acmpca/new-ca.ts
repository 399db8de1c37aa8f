import type { SetupSubject } from './subject.ts';

/** A CA for short-lived certificates issues for 7 days at most, and costs less. */
const SHORT_LIVED_SECONDS = 7 * 24 * 60 * 60;

/** The root CA of a mesh, as AWS Private CA is asked for one. */
export interface NewCa {
  /** The whole of its subject; by it, it is found again. */
  readonly commonName: string;
  readonly usageMode: 'SHORT_LIVED_CERTIFICATE' | 'GENERAL_PURPOSE';
  readonly keyAlgorithm: 'EC_prime256v1';
  readonly signingAlgorithm: 'SHA256WITHECDSA';
  readonly years: number;
  /** Who asks twice within 5 minutes gets one CA. At most 36 characters. */
  readonly token: string;
  /** ARN, for its own certificate. */
  readonly template: string;
}

export function planNewCa({ acmpca: { partition }, mesh, ttlSeconds }: SetupSubject): NewCa {
  return {
    commonName: `Mesh ${mesh}`,
    usageMode: ttlSeconds < SHORT_LIVED_SECONDS ? 'SHORT_LIVED_CERTIFICATE' : 'GENERAL_PURPOSE',
    keyAlgorithm: 'EC_prime256v1',
    signingAlgorithm: 'SHA256WITHECDSA',
    years: 10,
    token: `meshcert-${mesh}`.slice(0, 36),
    template: `arn:${partition}:acm-pca:::template/RootCACertificate/V1`,
  };
}
