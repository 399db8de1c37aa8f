/**
 * Installs when node_modules is missing or older than the lock file, so that `npm start` and `npm test` work in a
 * fresh clone. Runs before anything is installed: Node 20 and nothing else.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stamp = join(root, 'node_modules/.meshcert-installed');
const lockHash = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex');

if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== lockHash) {
  process.stderr.write('installing the packages of package-lock.json (once)\n');
  // Not `npm ci`, which fails where a registry lacks a package that is optional and for another platform.
  const install = ['install', '--no-save', '--loglevel=error'];
  const { status } = spawnSync('npm', install, { cwd: root, stdio: 'inherit' });
  if (status !== 0) {
    process.stderr.write('npm install failed: see above; is the package registry reachable?\n');
    process.exit(1);
  }
  writeFileSync(stamp, lockHash);
}
