/**
 * Bundles src into dist: one small entry, and a chunk for each part that only some configurations load.
 *
 * Node's own modules are required, not imported: an ESM import of node:http evaluates every export of it, WebSocket
 * with the whole of undici among them, which costs 25 ms and 6 MB that no agent uses.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const requireBuiltins = {
  name: 'require-builtins',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path, namespace }) =>
      namespace === 'builtin' ? { path, external: true } : { path, namespace: 'builtin' },
    );
    onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)})`,
    }));
  },
};

rmSync(join(root, 'dist'), { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: ['src/main.ts'],
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22.22',
  chunkNames: '[name]-[hash]',
  plugins: [requireBuiltins],
  define: { MESHCERT_VERSION: JSON.stringify(version) },
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
  legalComments: 'linked',
  logLevel: 'warning',
});
chmodSync(join(root, 'dist/main.js'), 0o755);

// One run fills the compile cache beside the program, for images whose file system is read-only.
const { status } = spawnSync(process.execPath, [join(root, 'dist/main.js'), 'validate'], { stdio: 'ignore' });
if (status !== 0) process.exitCode = 1;
