/**
 * Installs when node_modules is missing or older than the lock file, so that `npm start` and `npm test` work in a
 * fresh clone. Runs before anything is installed: Node 20 and nothing else.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stamp = join(root, 'node_modules/.meshcert-installed');
const lockHash = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex');

if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== lockHash) {
  process.stderr.write('installing the packages of package-lock.json (once)\n');
  // Not `npm ci`, which fails where a registry lacks a package that is optional and for another platform.
  run('npm', ['install', '--no-save', '--loglevel=error'], 'is the package registry reachable?');
  // tap comes with a plugin that breaks on TypeScript 7; .taprc leaves it out, and this makes that so.
  run('tap', ['build'], 'remove node_modules, and try again');
  writeFileSync(stamp, lockHash);
}

function run(command, args, hint) {
  const path = [join(root, 'node_modules/.bin'), process.env.PATH].join(delimiter);
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, PATH: path } });
  if (status === 0) return;
  process.stderr.write(`${command} ${args[0]} failed: see above; ${hint}\n`);
  process.exit(1);
}
