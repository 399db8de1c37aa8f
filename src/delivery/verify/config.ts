/** Where to look whether a generation is really being served. */
export type VerifyConfig = TlsTarget | EnvoyAdminTarget;

interface Limits {
  /** How long after the delivery the new serial number may be missing. Default 10 s. */
  readonly withinMs: number;
}

export interface TlsTarget extends Limits {
  readonly kind: 'tls';
  readonly host: string;
  readonly port: number;
  readonly serverName?: string | undefined;
}

export interface EnvoyAdminTarget extends Limits {
  readonly kind: 'envoyAdmin';
  /** Base URL of Envoy's admin listener. */
  readonly url: string;
}
