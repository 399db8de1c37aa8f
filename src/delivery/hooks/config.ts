/** What to do once a generation's files are in place. */
export type HookConfig = ExecHook | SignalHook | HttpHook;

interface Common {
  /** For logs, status and metrics: `hook:nginx`. No two hooks have the same. */
  readonly name: string;
  /** After which the hook has failed. Default 10 s. */
  readonly timeoutMs: number;
}

export interface ExecHook extends Common {
  readonly kind: 'exec';
  /** Program and arguments; no shell. */
  readonly argv: readonly [string, ...string[]];
}

export interface SignalHook extends Common {
  readonly kind: 'signal';
  readonly signal: NodeJS.Signals;
  /** Absolute path of the file that holds the number of the process. */
  readonly pidFile: string;
  /** The name that the process must have (Linux: `comm`), so that no stranger with a used number is signalled. */
  readonly processName?: string | undefined;
}

export interface HttpHook extends Common {
  readonly kind: 'http';
  readonly method: 'GET' | 'POST' | 'PUT';
  /** `http:` or `https:`, without user and password. */
  readonly url: string;
}
