/**
 * Bundles src into dist: one small entry, and a chunk for each part that only some configurations load.
 *
 * Node's own modules are required, not imported: an ESM import of node:http evaluates every export of it, WebSocket
 * with the whole of undici among them, which costs 25 ms and 6 MB that no agent uses.
 */
import { chmodSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { primeCompileCache } from './prime-compile-cache.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Our own imports of Node's modules become require() in place, so that no chunk is made for each of them. */
const requireBuiltins = {
  name: 'require-builtins',
  setup({ onLoad, onResolve }) {
    onLoad({ filter: /\/src\/.*\.ts$/ }, ({ path }) => {
      const source = readFileSync(path, 'utf8')
        .replace(/^import (\w+) from ('node:.*');$/gm, 'const $1 = require($2);')
        .replace(
          /^import (\{[^}]*\}) from ('node:.*');$/gm,
          (_, names, from) => `const ${rename(names)} = require(${from});`,
        )
        .replace(/\bimport\(('node:[^']*')\)/g, 'require($1)');
      return { contents: source, loader: 'ts' };
    });
    // Commander can start programs; ours does not. What is behind a getter is not loaded before it is used.
    onResolve({ filter: /^(node:)?child_process$/ }, ({ path, namespace }) =>
      namespace === 'late' ? { path, external: true } : { path, namespace: 'late' },
    );
    onLoad({ filter: /.*/, namespace: 'late' }, ({ path }) => ({
      contents: `module.exports = new Proxy({}, { get: (_, name) => require(${JSON.stringify(path)})[name] });`,
    }));
  },
};

/**
 * Parts of packages that nothing here uses, but that their index loads: the push gateway (with TLS), the cluster mode,
 * summaries and Node's own metrics (with the OpenTelemetry API) of prom-client.
 */
const leaveOut = {
  name: 'leave-out',
  setup({ onLoad }) {
    onLoad({ filter: /\/prom-client\/lib\/(pushgateway|cluster|summary|defaultMetrics)\.js$/ }, () => ({
      contents: 'module.exports = {};',
    }));
  },
};

/** `{ a, b as c, type D }` -> `{ a, b: c }` */
function rename(names) {
  const kept = names
    .slice(1, -1)
    .split(',')
    .filter((name) => name.trim() !== '' && !name.trim().startsWith('type '));
  return `{${kept.map((name) => name.replace(/\sas\s/, ': ')).join(',')}}`;
}

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
  plugins: [requireBuiltins, leaveOut],
  // The same code as ES modules, of which only what is used gets in.
  alias: { yaml: join(root, 'node_modules/yaml/browser/dist/index.js') },
  define: { MESHCERT_VERSION: JSON.stringify(version) },
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
  legalComments: 'linked',
  logLevel: 'warning',
});
chmodSync(join(root, 'dist/main.js'), 0o755);

await primeCompileCache(join(root, 'dist/main.js'));
