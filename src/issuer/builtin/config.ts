/** A CA of this agent's own: made on first use, then kept. */
export interface BuiltinConfig {
  readonly kind: 'builtin';
  /** Where certificate and key lie, under the names that Kuma gives them. Default `.meshcert/ca`. */
  readonly directory: string;
  /** Set: an RSA key of so many bits (Kuma's `caCert.RSAbits`). Not set: EC P-256. */
  readonly rsaBits?: number | undefined;
  /** Lifetime of the CA's certificate, in seconds (Kuma's `caCert.expiration`). Default ten years. */
  readonly caTtlSeconds: number;
}
