import { readFileSync } from 'node:fs';

/**
 * The flags that the program is to be started with, from its first line.
 *
 * @param {string} path of the built main.js
 * @returns {string[]}
 */
export function readNodeFlags(path) {
  const [line = ''] = readFileSync(path, 'utf8').split('\n', 1);
  const [, flags] = /^#!\/usr\/bin\/env -S node (--.+)$/.exec(line) ?? [];
  if (flags === undefined) throw new Error(`the first line of ${path} does not start node with flags: ${line}`);
  return flags.split(' ');
}
