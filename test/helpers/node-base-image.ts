import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Buildah } from './buildah.ts';

/**
 * Makes an image that stands for a distroless one, which cannot be had without a registry: the Node of this process, the
 * libraries that it needs, a user, and nothing else. It leaves out what else those have: CA certificates and time zones.
 *
 * @returns the name of the image.
 */
export async function makeNodeBaseImage(buildah: Buildah, directory: string): Promise<string> {
  const root = join(directory, 'base');
  copy(process.execPath, join(root, 'nodejs/bin/node'));
  for (const library of listLibraries(process.execPath)) copy(library, join(root, library));
  for (const folder of ['etc', 'tmp', 'proc', 'dev', 'sys', 'run']) mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/:/none\nnonroot:x:65532:65532:nonroot:/:/none\n');
  const container = (await buildah('from', 'scratch')).trim();
  await buildah('copy', '--quiet', container, root, '/');
  const name = 'localhost/node-base';
  await buildah('commit', '--quiet', '--rm', container, name);
  return name;
}

/** Absolute paths of the shared libraries, the loader among them. */
function listLibraries(program: string): string[] {
  const text = execFileSync('ldd', [program], { encoding: 'utf8' });
  return Array.from(text.matchAll(/(?<=^|\s)(\/\S+)(?= \(0x)/gm), ([path]) => path);
}

function copy(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
}
