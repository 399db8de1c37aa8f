import type { DataSource } from '../../data-source.ts';

/** One directory of files. */
export interface FilesConfig {
  /** Absolute path of the directory that readers know. */
  readonly directory: string;
  /** Permission bits of files with the private key. Default 0600. */
  readonly keyMode: number;
  /** Permission bits of all the other files. Default 0644. */
  readonly mode: number;
  /** Numeric owner and group of all files. Default: those of the process. */
  readonly owner?: number | undefined;
  readonly group?: number | undefined;
  /** How long a superseded generation stays readable, in milliseconds. Default 60 s. */
  readonly graceMs: number;
  /** What files are called, where that is not as here. No two alike, and none begins with `..`. */
  readonly names: Readonly<Partial<Record<FileName, string>>>;
  /** Undefined: no PKCS#12 is made. */
  readonly pkcs12?: Pkcs12Config | undefined;
}

/** Every file that this delivery can make, by its default name. */
export type FileName =
  | 'tls.crt'
  | 'tls.key'
  | 'ca.crt'
  | 'credentialbundle.pem'
  | 'tls_certificate_sds.yaml'
  | 'validation_context_sds.yaml'
  | Pkcs12Name;

export type Pkcs12Name = 'keystore.p12' | 'truststore.p12';

/** A key store and a trust store for programs, mostly in Java, that read neither PEM nor several files. */
export interface Pkcs12Config {
  /** Printable ASCII; read anew for each generation. A line break at its end does not count. */
  readonly password: DataSource;
}
