/**
 * `npm run build:image-root -- NODE`: build/image, all that the container image adds to its base.
 *
 * @param NODE is where the base has Node; by default where distroless has it.
 */
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readNodeFlags } from './read-node-flags.mjs';
import { writeNotices } from './write-notices.mjs';

const [node = '/nodejs/bin/node'] = process.argv.slice(2);
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const image = join(root, 'build/image');
const program = join(image, 'usr/lib/meshcert');

rmSync(image, { recursive: true, force: true });
cpSync(join(root, 'dist'), program, { recursive: true, filter: (source) => !source.endsWith('.LEGAL.txt') });
startByPath(join(program, 'main.js'));
mkdirSync(join(image, 'usr/bin'));
symlinkSync('../lib/meshcert/main.js', join(image, 'usr/bin/meshcert'));
writeNotices(join(image, 'usr/share/doc/meshcert'));

/** Probes and people call `meshcert`, and the base has no /usr/bin/env. Of the flags the kernel passes one on. */
function startByPath(path) {
  const [flag] = readNodeFlags(path);
  writeFileSync(path, readFileSync(path, 'utf8').replace(/^#!.*/, `#!${node} ${flag}`));
  chmodSync(path, 0o755);
}
