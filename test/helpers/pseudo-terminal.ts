import { eventually } from './eventually.ts';
import { type Exit, plainEnvironment, startProcess } from './process.ts';

/** Python's, as Node has none. SIGTERM goes on to the program; the terminal's end is its end. */
const RUN_IN_TERMINAL = `
import fcntl, os, pty, signal, struct, sys, termios
columns = int(sys.argv[1])
pid, terminal = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack('HHHH', 24, columns, 0, 0))
    os.execvp(sys.argv[2], sys.argv[2:])
signal.signal(signal.SIGTERM, lambda *_: os.kill(pid, signal.SIGTERM))
while True:
    try:
        data = os.read(terminal, 65536)
    except OSError:
        break
    if not data:
        break
    os.write(1, data)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

export interface TerminalOptions {
  readonly directory: string;
  /** Default 100. */
  readonly columns?: number;
  readonly env?: Readonly<Record<string, string>>;
}

export interface PseudoTerminal {
  /** All that was written to it. */
  output(): string;
  /** Resolves when the output matches. */
  waitFor(pattern: RegExp): Promise<void>;
  /** SIGTERM. */
  stop(): Promise<Exit>;
}

/** Runs a program as if a person had started it. */
export async function runInTerminal(
  command: readonly string[],
  { directory, columns = 100, env = {} }: TerminalOptions,
): Promise<PseudoTerminal> {
  const running = await startProcess({
    name: 'terminal',
    command: 'python3',
    args: ['-c', RUN_IN_TERMINAL, String(columns), ...command],
    directory,
    env: { ...plainEnvironment(directory), TERM: 'xterm', ...env },
  });
  return {
    output: running.output,
    waitFor: async (pattern) => {
      await eventually(`the terminal shows ${pattern}`, () => pattern.test(running.output()));
    },
    stop: running.stop,
  };
}
