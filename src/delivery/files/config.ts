/** One directory of files. */
export interface FilesConfig {
  /** Absolute path of the directory that readers know. */
  readonly directory: string;
  /** Permission bits of `tls.key` and `credentialbundle.pem`. Default 0600. */
  readonly keyMode: number;
  /** Permission bits of all the other files. Default 0644. */
  readonly mode: number;
  /** Numeric owner and group of all files. Default: those of the process. */
  readonly owner?: number | undefined;
  readonly group?: number | undefined;
}
