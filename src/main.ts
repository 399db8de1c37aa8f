#!/usr/bin/env -S node --max-semi-space-size=1
/**
 * The edge to the operating system: the only file that touches `process`.
 *
 * @module
 */
import { enableCompileCache } from 'node:module';
import { hostname } from 'node:os';
import { join } from 'node:path';

// Before anything else is loaded, so that what is loaded next comes compiled.
enableCompileCache(join(import.meta.dirname, 'compile-cache'));
const { runProgram } = await import('./cli/program.ts');

process.title = 'meshcert';
// Whoever reads the log may go away; the certificates must go on.
process.stdout.on('error', () => undefined);
process.stderr.on('error', () => undefined);
process.exitCode = await runProgram(process.argv.slice(2), {
  environment: process.env,
  currentDirectory: process.cwd(),
  hostName: hostname(),
  isTerminal: process.stderr.isTTY === true,
  writeOut: (text) => void process.stdout.write(text),
  writeError: (text) => void process.stderr.write(text),
  random: () => Math.random(),
  readUsage: () => {
    const { user, system } = process.cpuUsage();
    return { cpuSeconds: (user + system) / 1e6, residentBytes: process.memoryUsage.rss() };
  },
  nodeVersion: process.version,
  pid: process.pid,
  uid: process.getuid?.(),
  onSignal: (signal, listener) => void process.on(signal, listener),
});
