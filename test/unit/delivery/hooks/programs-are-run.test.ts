import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { ExecHook } from '../../../../src/delivery/hooks/config.ts';
import { makeEnvironment } from '../../../../src/delivery/hooks/environment.ts';
import { eventually } from '../../../helpers/eventually.ts';
import { openHookBench } from '../../../helpers/hook-bench.ts';
import { openGenerationMaker } from '../../../helpers/make-generation.ts';

const generation = await (await openGenerationMaker()).make({ number: 7 });

/** A shell script is a program like any other; the hook itself has no shell. */
function hook(argv: readonly [string, ...string[]], timeoutMs = 10_000): ExecHook {
  return { kind: 'exec', name: 'hook:test', argv, timeoutMs };
}

/** @returns a hook of a script that is its text. */
function script(t: Test, text: string, timeoutMs?: number): { config: ExecHook; directory: string } {
  const directory = t.testdir({ script: `#!/bin/sh\n${text}\n` });
  const path = join(directory, 'script');
  chmodSync(path, 0o755);
  return { config: hook([path], timeoutMs), directory };
}

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
};

t.test('arguments arrive as they are: no shell looks at them', async (t) => {
  const directory = t.testdir();
  const file = join(directory, 'out');
  const { run } = openHookBench(generation);
  const odd = ['$HOME', '`id`', 'a b', '*', ';', '>x', "'", '"'];
  await run(
    hook(['python3', '-c', 'import sys; open(sys.argv[1], "w").write("\\n".join(sys.argv[2:]))', file, ...odd]),
  );
  t.equal(readFileSync(file, 'utf8'), odd.join('\n'));
});

t.test('the environment tells what is where, and holds nothing else of the agent', async (t) => {
  const outputs = ['/run/a', '/run/b'].map((directory) => ({
    directory,
    certificate: `${directory}/cert.pem`,
    key: `${directory}/key.pem`,
    trustBundle: `${directory}/ca.pem`,
  }));
  const inherited = { PATH: process.env.PATH, LC_ALL: 'C', VAULT_TOKEN: 't0psecret', MESHCERT_CONFIG: 't0psecret' };
  t.strictSame(makeEnvironment({ ...inherited, HOME: undefined }, generation, outputs), {
    PATH: process.env.PATH,
    LC_ALL: 'C',
    MESHCERT_GENERATION: '7',
    MESHCERT_SPIFFE_ID: 'spiffe://default/web',
    MESHCERT_SERIAL_NUMBER: generation.serialNumber,
    MESHCERT_NOT_AFTER: generation.notAfter.toISOString(),
    MESHCERT_DIRECTORY: '/run/a',
    MESHCERT_CERT_FILE: '/run/a/cert.pem',
    MESHCERT_KEY_FILE: '/run/a/key.pem',
    MESHCERT_CA_FILE: '/run/a/ca.pem',
    MESHCERT_DIRECTORIES: '/run/a:/run/b',
  });
  const { run } = openHookBench(generation, { outputs, environment: inherited });
  const { config, directory } = script(t, 'env > "$0.env"');
  await run(config);
  const got = readFileSync(join(directory, 'script.env'), 'utf8');
  t.match(got, /^MESHCERT_GENERATION=7$/m);
  t.match(got, /^MESHCERT_DIRECTORY=\/run\/a$/m);
  t.notMatch(got, 't0psecret');
});

t.test('a program that fails is told with its last words, and with no argument', async (t) => {
  const { fail, log } = openHookBench(generation);
  const { config } = script(t, 'echo first; echo "no such\tdirective" >&2; exit 3');
  const error = await fail({ ...config, argv: [...config.argv, 't0psecret'] });
  t.equal(error.message, 'hook:test failed: ended with exit code 3: no such directive');
  t.equal(error.detail, 'exit_code');
  t.match(log.lines, [/DEBUG hook wrote delivery=hook:test output="first\\nno such\\tdirective"/]);
  t.notMatch(log.lines.join() + error.line, 't0psecret');
  t.match((await fail(script(t, 'kill -9 $$').config)).message, 'hook:test failed: was ended by SIGKILL');
  t.equal((await fail(script(t, 'exit 1').config)).message, 'hook:test failed: ended with exit code 1');
});

t.test('a program that is not there, or not executable', async (t) => {
  const { fail } = openHookBench(generation);
  t.match(
    (await fail(hook(['no-such-program']))).line,
    'hook:test failed: there is no program no-such-program; install it',
  );
  t.match((await fail(hook(['/nonexistent/x']))).detail, 'no_program');
  const directory = t.testdir({ data: 'x' });
  t.match((await fail(hook([join(directory, 'data')]))).line, 'may not be executed; make it executable');
});

t.test('a program that hangs is killed with all that it started, however it refuses', async (t) => {
  const { fail } = openHookBench(generation);
  const { config, directory } = script(
    t,
    `trap '' TERM; sh -c 'trap "" TERM; echo $$ > "'$0'.child"; while :; do sleep 1; done' & echo $$ > "$0.pid"; wait; wait; wait`,
    300,
  );
  const error = await fail(config);
  t.match(error.message, 'hook:test failed: did not end within 0.3 s and was killed');
  t.equal(error.detail, 'timeout');
  for (const name of ['script.pid', 'script.child']) {
    const pid = Number(readFileSync(join(directory, name), 'utf8'));
    t.ok(pid > 1);
    await eventually(`${name} is gone`, () => !isAlive(pid));
  }
});

t.test('a program that prints without end holds up nobody, and little is kept', async (t) => {
  const { run, fail, log } = openHookBench(generation);
  await run(hook(['sh', '-c', 'head -c 50000000 /dev/zero | tr "\\0" x']));
  t.equal(log.lines.length, 1);
  t.ok((log.lines[0]?.length ?? 0) < 5_000, `${log.lines[0]?.length}`);
  const error = await fail(hook(['sh', '-c', 'yes nonsense'], 300));
  t.ok(error.message.length < 400);
});

t.test('a private key that a script prints is in no log', async (t) => {
  const { fail, log } = openHookBench(generation);
  const directory = t.testdir();
  const key = join(directory, 'key');
  const pem = generation.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  writeFileSync(key, pem);
  const error = await fail(hook(['sh', '-c', 'cat "$1" "$1"; exit 1', 'sh', key]));
  const body = pem.split('\n')[1] ?? '';
  t.ok(body.length > 20);
  t.notMatch(log.lines.join() + error.line, body);
  t.match(log.lines[0], '(a key)');
  await fail(hook(['sh', '-c', 'head -c 120 "$1"; exit 1', 'sh', key]));
  t.notMatch(log.lines.join(), body.slice(0, 20), 'nor half of it');
});

t.test('what a program leaves in the background, with its output open, is neither waited for nor ended', async (t) => {
  const { run } = openHookBench(generation);
  const { config, directory } = script(t, 'sleep 60 & echo $! > "$0.pid"', 5_000);
  await run(config);
  const pid = Number(readFileSync(join(directory, 'script.pid'), 'utf8'));
  t.ok(isAlive(pid));
  process.kill(pid);
});

t.test('an agent that stops waits for no program', async (t) => {
  const { open } = openHookBench(generation);
  const { config, directory } = script(t, 'echo $$ > "$0.pid"; exec sleep 60');
  const opened = open(config);
  const running = opened.deliver(generation);
  running.catch(() => undefined);
  const pid = Number(await eventually('it runs', () => readFileSync(join(directory, 'script.pid'), 'utf8').trim()));
  await opened.close();
  await t.rejects(running, { message: 'hook:test failed: was killed, as the agent is stopping' });
  t.notOk(isAlive(pid));
});
