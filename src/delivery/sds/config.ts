/** Envoy's secret discovery service on a Unix socket. */
export interface SdsConfig {
  /** Absolute path of the socket. The Workload API may have the same. */
  readonly socket: string;
  /** Permission bits of the socket. Default 0660. */
  readonly mode: number;
  /** Permission bits of the socket's directory, when it is made here. Default 0755. */
  readonly directoryMode: number;
  /** Numeric group of the socket. Default: that of the process. */
  readonly group?: number | undefined;
  /** How Envoy is told to verify peers: its SPIFFE validator, or a plain `trusted_ca`. Default `trustedCa`. */
  readonly validator: 'spiffe' | 'trustedCa';
  /** Names of the user's own, beside the fixed ones, under which the certificate and the trust bundle are asked for. */
  readonly certificateNames: readonly string[];
  readonly bundleNames: readonly string[];
}
