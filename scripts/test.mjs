/**
 * Runs tests, and around them the real parts that they share: one Vault, one etcd and kube-apiserver.
 *
 *     node scripts/test.mjs [unit|component|scenario|slow|FILE...] [options of tap]
 *
 * Without names: unit, component and scenario. Unit tests need no parts and start none.
 *
 * @module
 */
import { spawn } from 'node:child_process';
// Not by name: the globSync of Node 22 would keep older ones from saying what is wrong with them.
import * as fs from 'node:fs';
import { availableParallelism } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installPeers } from './install-peers.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const GROUPS = ['unit', 'component', 'scenario', 'slow'];
const BIN = join(ROOT, 'node_modules', '.bin');

process.chdir(ROOT);
process.exitCode = await main(process.argv.slice(2));

async function main(argv) {
  if (!process.features.typescript) {
    return complain(
      `Node ${process.version} cannot run TypeScript; use the one that npm installed: npx node scripts/test.mjs`,
    );
  }
  const names = argv.filter((one) => !one.startsWith('-'));
  const files = (names.length > 0 ? names : ['unit', 'component', 'scenario']).flatMap(filesOf);
  const absent = files.filter((file) => !fs.existsSync(file));
  if (absent.length > 0) return complain(`neither a test file nor one of ${GROUPS.join(', ')}: ${absent.join(', ')}`);
  if (files.length === 0) return complain(`there are no tests in ${names.join(', ')}`);

  // By default tap leaves one CPU idle, which is half of the machine where there are two. What is slow measures, alone.
  const jobs = names.includes('slow') ? 1 : Math.max(2, availableParallelism());
  const tapArguments = [`--jobs=${jobs}`, ...argv.filter((one) => one.startsWith('-')), ...files];
  if (files.every((file) => file.startsWith(join('test', 'unit')))) return runTap(tapArguments, {});
  try {
    await installPeers((line) => say(line));
  } catch (error) {
    return complain(error.message);
  }
  return withPeers((environment) => runTap(tapArguments, environment));
}

function filesOf(name) {
  return GROUPS.includes(name) ? fs.globSync(`test/${name}/**/*.test.ts`).sort() : [name];
}

async function withPeers(work) {
  const { SHARED_PEERS_VARIABLE, startSharedPeers } = await import('../test/helpers/shared-peers.ts');
  const startedMs = performance.now();
  const peers = await startSharedPeers();
  try {
    say(`Vault, kube-apiserver and etcd are up after ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
    return await work({ [SHARED_PEERS_VARIABLE]: peers.addresses });
  } finally {
    await peers.stop();
  }
}

/** Resolves with tap's exit code. A signal goes to tap first, so that the parts are stopped after their users. */
async function runTap(tapArguments, environment) {
  const child = spawn(join(BIN, 'tap'), tapArguments, {
    // tap runs the tests with the Node that runs tap.
    env: { ...process.env, ...environment, PATH: [BIN, process.env.PATH].join(delimiter) },
    stdio: 'inherit',
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

function say(line) {
  process.stdout.write(`peers: ${line}\n`);
}

function complain(message) {
  process.stderr.write(`${message}\n`);
  return 1;
}
