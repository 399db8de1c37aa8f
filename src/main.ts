/**
 * The edge to the operating system: the only file that touches `process`.
 *
 * @module
 */
import { writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { isatty } from 'node:tty';
import { runProgram } from './cli/program.ts';

const STDOUT = 1;
const STDERR = 2;

/** As the streams of `process` do on files, terminals and pipes, without loading them. */
function write(descriptor: number, text: string): void {
  try {
    writeFileSync(descriptor, text);
  } catch {
    // Whoever reads the log may go away or fall behind; the certificates must go on.
  }
}

process.title = 'meshcert';
void runProgram(process.argv.slice(2), {
  environment: process.env,
  get currentDirectory() {
    return process.cwd();
  },
  get hostName() {
    return hostname();
  },
  isTerminal: isatty(STDERR),
  get isOutTerminal() {
    return isatty(STDOUT);
  },
  countColumns: () => process.stderr.columns ?? 80,
  writeOut: (text) => write(STDOUT, text),
  writeError: (text) => write(STDERR, text),
  random: () => Math.random(),
  readUsage: () => {
    const { user, system } = process.cpuUsage();
    return { cpuSeconds: (user + system) / 1e6, residentBytes: process.memoryUsage.rss() };
  },
  nodeVersion: process.version,
  pid: process.pid,
  uid: process.getuid?.(),
  sendSignal: (pid, signal) => void process.kill(pid, signal),
  onSignal: (signal, listener) => void process.on(signal, listener),
}).then((exitCode) => {
  process.exitCode = exitCode;
});
