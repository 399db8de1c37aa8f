/** The SPIFFE Workload API on a Unix socket. */
export interface WorkloadApiConfig {
  /** Absolute path of the socket. SDS may have the same. */
  readonly socket: string;
  /** Permission bits of the socket. Default 0660. */
  readonly mode: number;
  /** Permission bits of the socket's directory, when it is made here. Default 0755. */
  readonly directoryMode: number;
  /** Numeric group of the socket. Default: that of the process. */
  readonly group?: number | undefined;
  /** Tells clients with several identities which one this is (SPIFFE Workload API, 5.2.1). */
  readonly hint?: string | undefined;
}
