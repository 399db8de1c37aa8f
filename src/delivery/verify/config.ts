/** Where to look whether a generation is really being served. */
export type VerifyConfig = TlsTarget | EnvoyAdminTarget;

interface Common {
  /** For logs, status and metrics: `tls:127.0.0.1:10001`. No two targets have the same. */
  readonly name: string;
  /** How long after the delivery the new serial number may be missing. Default 10 s. */
  readonly withinMs: number;
}

export interface TlsTarget extends Common {
  readonly kind: 'tls';
  readonly host: string;
  readonly port: number;
  /** Sent as SNI. Default: the host, unless that is an address. */
  readonly serverName?: string | undefined;
  /** Sent as ALPN, for listeners that choose by it. Default: none. */
  readonly alpn: readonly string[];
}

export interface EnvoyAdminTarget extends Common {
  readonly kind: 'envoyAdmin';
  /** Base URL of Envoy's admin listener, without a slash at its end. */
  readonly url: string;
}
