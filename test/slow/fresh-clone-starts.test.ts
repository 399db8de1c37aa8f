import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join, resolve, sep } from 'node:path';
import t from 'tap';
import { eventually } from '../helpers/eventually.ts';
import { runCommand } from '../helpers/run-command.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const ROOT = resolve(import.meta.dirname, '../..');
/** Everything comes from the registry. */
const INSTALL_TIMEOUT_MS = 300_000;
/** What issue and README promise, from the moment when the packages are there. */
const SHOWN_WITHIN_MS = 60_000;

t.setTimeout(INSTALL_TIMEOUT_MS + 120_000);

/** As a person has it who has just logged in: none of what npm, tap and this repository put there. */
function freshEnvironment(home: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(npm_|tap|node_options|meshcert|init_cwd)/i.test(name),
  );
  const path = (process.env.PATH ?? '').split(delimiter).filter((one) => !one.includes(`${sep}node_modules${sep}`));
  return {
    ...Object.fromEntries(kept),
    PATH: path.join(delimiter),
    HOME: home,
    npm_config_cache: join(home, 'npm-cache'),
    // How this machine reaches a registry.
    npm_config_userconfig: process.env.npm_config_userconfig ?? join(homedir(), '.npmrc'),
  };
}

/** Whether a process of the group is left. */
function isAlive(group: number): boolean {
  try {
    process.kill(-group, 0);
    return true;
  } catch {
    return false;
  }
}

t.test('npm start in a fresh clone, with nothing in any cache, shows an identity and its rotation', async (t) => {
  const directory = temporaryDirectory(t);
  const home = join(directory, 'home');
  mkdirSync(home);
  const clone = join(directory, 'clone');
  const env = freshEnvironment(home);
  await runCommand('git', ['-c', `safe.directory=${ROOT}/.git`, 'clone', '--quiet', '--local', ROOT, clone], { env });

  // A group of its own, as a shell gives each command, so that Ctrl-C reaches all of it.
  const child = spawn('npm', ['start'], { cwd: clone, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const group = child.pid ?? Number.NaN;
  t.teardown(() => isAlive(group) && process.kill(-group, 'SIGKILL'));
  let output = '';
  const gone = new AbortController();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((done) => {
    child.once('close', (code, signal) => {
      gone.abort(new Error(`npm start ended with ${code ?? signal}:\n${output}`));
      done({ code, signal });
    });
  });
  const shows = async (pattern: RegExp, timeoutMs: number): Promise<string[]> => {
    const show = () => pattern.exec(output);
    return eventually(`npm start shows ${pattern}`, show, { timeoutMs, signal: gone.signal }).catch((error: Error) => {
      throw new Error(`${error.message}\n${output}`);
    });
  };

  const startedMs = performance.now();
  await shows(/^Starting meshcert on a CA of its own/m, INSTALL_TIMEOUT_MS);
  t.comment(`installed and built after ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
  t.ok(statSync(join(clone, 'dist/main.js')).isFile(), 'the program is built');
  t.ok(existsSync(join(home, 'npm-cache')), 'into the empty cache');
  const installedMs = performance.now();

  await shows(/^ {2}identity {3}spiffe:\/\/default\/web$/m, SHOWN_WITHIN_MS);
  const [, first = ''] = await shows(/^ {2}serial {5}(\w+), generation 1$/m, 1_000);
  await shows(/^ {2}files {6}\.meshcert\/identity: tls\.crt, tls\.key, ca\.crt, credentialbundle\.pem/m, 1_000);
  const [, life] = await shows(/^ {2}expires {4}in (\d+) s; it will be replaced in \d+ s$/m, 1_000);
  t.ok(Number(life) <= 40, `it lives for ${life} s`);
  const [, url = ''] = await shows(/^ {2}metrics {4}curl (http:\/\/127\.0\.0\.1:\d+\/metrics)$/m, 1_000);
  const metrics = await (await fetch(url)).text();
  t.match(metrics, /^meshcert_rotations_total\{backend="ca-1",reason="start"\} 1$/m, 'the address answers');
  const identity = join(clone, '.meshcert/identity');
  const before = readFileSync(join(identity, 'tls.crt'), 'utf8');

  const leftMs = SHOWN_WITHIN_MS - (performance.now() - installedMs);
  const [, second = ''] = await shows(/^ {2}rotated .* serial (\w+), generation 2,$/m, leftMs);
  t.comment(`a rotation was seen ${((performance.now() - installedMs) / 1000).toFixed(1)} s after the install`);
  t.not(second, first, 'with another serial number');
  t.not(readFileSync(join(identity, 'tls.crt'), 'utf8'), before, 'in the file, too');
  t.notMatch(output, /^ {4}at |npm error/im, 'no stack trace, nothing that npm complains of');

  process.kill(-group, 'SIGINT');
  const { code, signal } = await ended;
  t.ok(code === 0 || code === 130 || signal === 'SIGINT', `Ctrl-C is no failure, but npm ended with ${code ?? signal}`);
  t.match(output, /INFO {2}stopped$/m, 'the agent had the time to end');
  await eventually('nothing is left running', () => !isAlive(group));
  t.notOk(existsSync(join(clone, '.meshcert/admin.sock')), 'nor its socket');
  const git = ['-C', clone, 'status', '--porcelain'];
  t.equal(await runCommand('git', git, { env }), '', 'and the clone is as it was');
});
