import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { runCommand } from './run-command.ts';

/** Daemons lie where the PATH of ordinary users does not lead. */
const FOLDERS = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];

/**
 * The path of a program of Debian. Where it is missing, its package is installed, which needs root; nothing that comes with
 * it is started.
 *
 * @param packageName default: the name of the program.
 */
export async function debianProgram(name: string, packageName = name): Promise<string> {
  const installed = find(name);
  if (installed !== undefined) return installed;
  const isPossible = process.getuid?.() === 0 && find('apt-get') !== undefined;
  if (!isPossible)
    throw new Error(`${name} is not installed, and only root on Debian can: apt-get install ${packageName}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const apt = (...args: string[]) => runCommand('apt-get', ['-qq', ...args], { env });
  const install = () => apt('install', '--no-install-recommends', packageName);
  // The lists of packages may be missing, or of yesterday.
  await install().catch(async () => {
    await apt('update');
    await install();
  });
  const path = find(name);
  if (path === undefined) throw new Error(`the package ${packageName} has no program ${name}`);
  return path;
}

function find(name: string): string | undefined {
  return FOLDERS.map((folder) => join(folder, name)).find((path) => existsSync(path));
}
