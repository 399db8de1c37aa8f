import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { debianProgram } from './debian-packages.ts';
import { runCommand } from './run-command.ts';

/** Runs a subcommand to its end and returns its stdout. Anything but exit code 0 rejects with what it said. */
export type Buildah = (subcommand: string, ...args: readonly string[]) => Promise<string>;

/**
 * buildah with a store of its own in the folder. It needs no daemon, no network and no kernel feature that a sandbox lacks: files
 * are copied (vfs), and commands of a build run by chroot.
 */
export async function openBuildah(directory: string): Promise<Buildah> {
  const program = await debianProgram('buildah');
  const global = ['--root', join(directory, 'storage'), '--runroot', join(directory, 'run'), '--storage-driver', 'vfs'];
  const home = join(directory, 'home');
  mkdirSync(home, { recursive: true });
  const env = { PATH: process.env.PATH, HOME: home, BUILDAH_ISOLATION: 'chroot', TMPDIR: directory };
  return (subcommand, ...args) => runCommand(program, [...global, subcommand, ...args], { env });
}
