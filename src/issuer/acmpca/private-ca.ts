/** The four actions of AWS Private CA (API version 2017-08-22) that a certificate takes. Each throws AgentError. */
export interface PrivateCa {
  describe(): Promise<CaDescription>;
  /** @returns the ARN under which the certificate can be had. */
  issue(request: CertificateOrder): Promise<string>;
  /** @returns undefined as long as it is not ready. */
  getCertificate(certificateArn: string): Promise<PemChain | undefined>;
  getCaCertificate(): Promise<PemChain>;
  /** Ends its connections. */
  close(): void;
}

export interface CaDescription {
  /** `ACTIVE`, or why it cannot issue. */
  readonly status: string;
  /** That it signs with, after its key: `SHA256WITHECDSA`. */
  readonly signingAlgorithm: string;
  /** Milliseconds since 1970. */
  readonly notAfterMs: number | undefined;
  /** It issues for 7 days at most, and costs less. */
  readonly isShortLived: boolean;
}

export interface CertificateOrder {
  /** DER. */
  readonly csr: Buffer;
  readonly signingAlgorithm: string;
  /** Seconds since 1970. */
  readonly endSeconds: number;
  /** The same one within 5 minutes is answered with the same certificate. At most 36 characters. */
  readonly token: string;
}

export interface PemChain {
  readonly certificate: string;
  /** The CAs above it, the closest first, the root last. Empty for a root. */
  readonly chain: string;
}
