/**
 * Bundles src into dist: one small entry, and a chunk for each part that only some configurations load.
 *
 * The start of the process is a measured promise (npm run bench), so the chunks are CommonJS, of which V8 can keep the
 * compiled code (see loader.cjs), and Node's own modules are loaded when something of them is first used: importing node:http as an ES
 * module, for one, evaluates every export of it, WebSocket with the whole of undici among them (25 ms, 6 MB).
 */
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, transform } from 'esbuild';
import { compileProtos } from './compile-protos.mjs';
import { fillCodeCache } from './fill-code-cache.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/**
 * Parts of packages that nothing here uses, but that their index loads: the push gateway (with TLS), the cluster mode,
 * summaries and Node's own metrics (with the OpenTelemetry API) of prom-client; of grpc-js all that a client is made of,
 * two thirds of it, and the parser of .proto files; of client-node, of which kubeconfig files and their logins are used, a
 * class for each kind of object and the HTTP client under them (six sevenths of it).
 */
const UNUSED = [
  /\/prom-client\/lib\/(pushgateway|cluster|summary|defaultMetrics)\.js$/,
  /\/grpc-js\/build\/src\/(client|make-client|client-interceptors|channel|experimental|load-balancer.*|resolver-.*)\.js$/,
  /\/@grpc\/proto-loader\/build\/src\/index\.js$/,
  /\/undici\/index\.js$/,
];
/** The same of packages that are ES modules, where "module" would be that of the whole chunk. */
const UNUSED_MODULES = [
  {
    filter: /\/@kubernetes\/client-node\/dist\/gen\/index\.js$/,
    contents: 'export const createConfiguration = undefined, ServerConfiguration = undefined;',
  },
];
const leaveOut = {
  name: 'leave-out',
  setup({ onLoad }) {
    // The index of grpc-js sets up what it loads.
    const contents = 'module.exports = { setup() {} };';
    for (const filter of UNUSED) onLoad({ filter }, () => ({ contents }));
    for (const { filter, contents } of UNUSED_MODULES) onLoad({ filter }, () => ({ contents }));
  },
};

/**
 * The AWS SDK as ES modules, of which only what is used gets in: 0.2 MB for a client with 4 actions instead of 2.3 MB, and each
 * way to find credentials in a file of its own. Nor does the client bring its own, older search for credentials: it is given some.
 */
const awsAsModules = {
  name: 'aws-as-modules',
  setup({ onResolve, onLoad, resolve }) {
    onResolve({ filter: /^@(aws-sdk|smithy|aws-crypto)\// }, async ({ path, pluginData, ...from }) => {
      if (pluginData === 'as it is') return undefined;
      if (path === '@aws-sdk/credential-provider-node' && from.importer.includes('/client-acm-pca/')) {
        return { path, namespace: 'left-out', sideEffects: false };
      }
      const found = await resolve(path, { ...from, pluginData: 'as it is' });
      const asModule = found.path.replace('/dist-cjs/', '/dist-es/').replace('/build/main/', '/build/module/');
      return existsSync(asModule) ? { ...found, path: asModule } : found;
    });
    onLoad({ filter: /.*/, namespace: 'left-out' }, () => ({ contents: 'export const defaultProvider = undefined;' }));
  },
};

const { outputFiles, metafile } = await build({
  metafile: true,
  absWorkingDir: root,
  entryPoints: { program: 'src/main.ts' },
  outdir: dist,
  write: false,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22.22',
  chunkNames: '[name]-[hash]',
  plugins: [leaveOut, awsAsModules, compileProtos],
  // The same code as ES modules, of which only what is used gets in.
  alias: { yaml: join(root, 'node_modules/yaml/browser/dist/index.js') },
  define: { MESHCERT_VERSION: JSON.stringify(version) },
  minify: true,
  legalComments: 'linked',
  logLevel: 'warning',
});

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);
const scripts = new Map();
for (const { path, text } of outputFiles) {
  if (path.endsWith('.js')) scripts.set(basename(path), loadBuiltinsLate(await convertToCommonJs(text)));
  else writeFileSync(path, text);
}
for (const [name, code] of inlineShared(scripts)) writeFileSync(join(dist, name), code);
writeFileSync(join(dist, 'package.json'), '{"type":"commonjs"}\n');
copyFileSync(join(root, 'scripts/loader.cjs'), join(dist, 'main.js'));
chmodSync(join(dist, 'main.js'), 0o755);
await fillCodeCache(join(dist, 'main.js'));

/**
 * What chunks share becomes a part of the first one, which is always loaded, if it is needed for the first certificate of
 * an agent as most are, with Vault: a file each costs more there than its content.
 */
function inlineShared(scripts) {
  const vault = [...scripts.keys()].filter(
    (name) => /^vault-/.test(name) && holdsFile(name, 'src/issuer/vault/index.ts'),
  );
  const first = new Set(['program.js', ...vault].flatMap((name) => [...listStaticImports(name)]));
  const isShared = ([name]) => name.startsWith('chunk-') && first.has(name);
  const shared = [...scripts].filter(isShared);
  const own = [...scripts].filter((script) => !isShared(script));
  const definitions = shared.map(
    ([name, code]) => `define(${JSON.stringify(name)},(exports,require,module)=>{${code}\n});`,
  );
  return own.map(([name, code]) => [name, name === 'program.js' ? `${definitions.join('')}${code}` : code]);
}

/** Names of the chunks that come with this one, itself among them. */
function listStaticImports(name, found = new Set()) {
  if (found.has(name)) return found;
  found.add(name);
  for (const { path, kind } of findOutput(name).imports) {
    if (kind === 'import-statement' && path.endsWith('.js')) listStaticImports(basename(path), found);
  }
  return found;
}

function holdsFile(name, file) {
  return Object.keys(findOutput(name).inputs).includes(file);
}

function findOutput(name) {
  return Object.entries(metafile.outputs).find(([path]) => basename(path) === name)[1];
}

/** Splitting gives ES modules only. */
async function convertToCommonJs(code) {
  const { code: converted } = await transform(code, {
    format: 'cjs',
    platform: 'node',
    supported: { 'dynamic-import': false },
    // Names stay as loadBuiltinsLate knows them.
    minifyWhitespace: true,
  });
  return converted;
}

function loadBuiltinsLate(code) {
  const late = (name) => `new Proxy({}, { get: (held, name) => (held.module ??= require(${name}))[name] })`;
  const converted = code
    .replace(
      /\bvar (import_\w+) ?= ?require\(("node:[^"]+")\);/g,
      (_, variable, name) => `var ${variable} = ${late(name)};`,
    )
    .replace(/\(0, ?\w+\.\w+\)\(("node:child_process")\)/g, (_, name) => late(name));
  const [early] = /[^?]= ?require\("node:[^"]+"\)/.exec(converted) ?? [];
  if (early !== undefined) throw new Error(`a chunk would load a module of Node's at once: ${early}`);
  return converted;
}
