/** What a command sees of the process that it runs in. */
export interface Edge {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly currentDirectory: string;
  readonly hostName: string;
  /** Whether a person reads the error stream, which the log goes to. */
  readonly isTerminal: boolean;
  /** Whether a person reads what commands print. */
  readonly isOutTerminal: boolean;
  /** Of the terminal that the log goes to, now. */
  readonly countColumns: () => number;
  readonly writeOut: (text: string) => void;
  readonly writeError: (text: string) => void;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly readUsage: () => { readonly cpuSeconds: number; readonly residentBytes: number };
  readonly nodeVersion: string;
  readonly pid: number;
  /** Undefined where the system has no numeric users. */
  readonly uid: number | undefined;
  /** Signals a process, or with a negative number its group; throws the error of `kill(2)`. */
  readonly sendSignal: (pid: number, signal: NodeJS.Signals) => void;
  readonly onSignal: (signal: 'SIGTERM' | 'SIGINT' | 'SIGHUP', listener: () => void) => void;
}

/** 0: ok. 1: failed at run time. 2: usage or configuration. */
export type ExitCode = 0 | 1 | 2;
