/**
 * `npm run build:sea`: build/meshcert, the Node that runs this with dist in it, for machines that have no Node.
 *
 * A single executable of Node's own making (https://nodejs.org/api/single-executable-applications.html). Its main script is
 * the loader, the chunks and their machine code are its assets. It starts as fast as dist does, since the same Node
 * with the same flags made that code.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inject } from 'postject';
import { readNodeFlags } from './read-node-flags.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');
const executable = join(root, 'build/meshcert');
/** By which a Node finds out that something was injected into it; given by Node's documentation. */
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

const directory = mkdtempSync(join(tmpdir(), 'meshcert-build-'));
try {
  const whole = join(directory, 'meshcert');
  copyFileSync(process.execPath, whole);
  chmodSync(whole, 0o755);
  strip(whole);
  await inject(whole, 'NODE_SEA_BLOB', makeBlob(), { sentinelFuse: FUSE });
  mkdirSync(dirname(executable), { recursive: true });
  copyFileSync(whole, executable);
} finally {
  rmSync(directory, { recursive: true, force: true });
}
process.stdout.write(
  `${executable}: ${(statSync(executable).size / 2 ** 20).toFixed(1)} MiB, Node ${process.version}\n`,
);

function makeBlob() {
  // Node compiles it as a function's body, in which no first line for the shell may stand.
  const main = readFileSync(join(dist, 'main.js'), 'utf8').replace(/^#!.*/, '');
  const chunks = readdirSync(dist).filter((name) => name !== 'main.js' && /\.js(\.cache)?$/.test(name));
  const config = {
    // Not the whole path, which would stay in the executable.
    main: 'main.js',
    output: 'blob',
    disableExperimentalSEAWarning: true,
    execArgv: readNodeFlags(join(dist, 'main.js')),
    // Neither the command line nor NODE_OPTIONS changes what Node does: all arguments are the program's.
    execArgvExtension: 'none',
    assets: Object.fromEntries(chunks.map((name) => [name, join(dist, name)])),
  };
  writeFileSync(join(directory, 'main.js'), main);
  writeFileSync(join(directory, 'config.json'), JSON.stringify(config));
  // It tells on stderr what it has done.
  execFileSync(process.execPath, ['--experimental-sea-config', 'config.json'], { cwd: directory, stdio: 'pipe' });
  return readFileSync(join(directory, 'blob'));
}

/** A seventh of Node is symbols for debuggers. Without binutils they stay, which costs nothing but the space. */
function strip(path) {
  spawnSync('strip', [path]);
}
