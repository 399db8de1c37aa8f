import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { SignalHook } from '../../../../src/delivery/hooks/config.ts';
import { openHookBench } from '../../../helpers/hook-bench.ts';
import { openGenerationMaker } from '../../../helpers/make-generation.ts';
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts';

const generation = await (await openGenerationMaker()).make();

/** A process that says which signals it gets, and the hook that is to send it one. */
async function startListener(t: Test, options: Partial<SignalHook> = {}) {
  const directory = temporaryDirectory(t);
  const code =
    'import os, signal\nsignal.signal(signal.SIGHUP, lambda *_: os.write(1, b"hup\\n"))\nos.write(1, b"up\\n")\nwhile True: signal.pause()';
  const child = spawn('python3', ['-c', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  const pidFile = join(directory, 'pid');
  const hook: SignalHook = {
    kind: 'signal',
    name: 'hook:listener',
    timeoutMs: 10_000,
    signal: 'SIGHUP',
    pidFile,
    processName: 'python3',
    ...options,
  };
  writeFileSync(pidFile, `${child.pid}\n`);
  return { child, hook, directory, pid: child.pid ?? 0, hears: () => once(child.stdout, 'data').then(String) };
}

const { run, fail } = openHookBench(generation);

t.test('the process whose number stands in the file gets the signal', async (t) => {
  const { hook, hears, pid } = await startListener(t);
  let heard = hears();
  await run(hook);
  t.equal(await heard, 'hup\n');
  for (const text of [
    `${pid}`,
    `  ${pid}  \n`,
    `${pid}\n/var/lib/postgresql\n1700000000\n5432\n`,
    `${pid}\n`.padEnd(200, 'x'),
  ]) {
    writeFileSync(hook.pidFile, text);
    heard = hears();
    await run(hook);
    t.equal(await heard, 'hup\n', JSON.stringify(text.slice(0, 30)));
  }
});

t.test('the file is read anew each time', async (t) => {
  const [first, second] = [await startListener(t), await startListener(t)];
  const before = first.hears();
  await run(first.hook);
  t.equal(await before, 'hup\n');
  writeFileSync(first.hook.pidFile, `${second.pid}`);
  const heard = second.hears();
  await run(first.hook);
  t.equal(await heard, 'hup\n');
});

t.test('a stranger that was given the number gets none', async (t) => {
  const { hook, pid, child } = await startListener(t, { processName: 'nginx' });
  const error = await fail(hook);
  t.equal(error.message, `hook:listener failed: process ${pid}, of ${hook.pidFile}, is "python3" and not "nginx"`);
  t.equal(error.detail, 'wrong_process');
  t.equal(child.exitCode ?? child.signalCode, null);
  t.equal((await fail({ ...hook, processName: 'python' })).detail, 'wrong_process', 'a part of the name is not enough');
});

t.test('names longer than Linux keeps are compared as far as it keeps them', async (t) => {
  const directory = t.testdir();
  const program = join(directory, 'a-name-of-more-than-fifteen');
  execFileSync('cp', [execFileSync('sh', ['-c', 'command -v sleep'], { encoding: 'utf8' }).trim(), program]);
  const child = spawn(program, ['60'], { stdio: 'ignore' });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child, 'spawn');
  const pidFile = join(directory, 'pid');
  writeFileSync(pidFile, `${child.pid}`);
  const ended = once(child, 'exit');
  const hook: SignalHook = { kind: 'signal', name: 'hook:x', timeoutMs: 1_000, signal: 'SIGTERM', pidFile };
  await run({ ...hook, processName: 'a-name-of-more-than-fifteen' });
  t.equal((await ended)[1], 'SIGTERM');
});

t.test('a file that says nothing useful is one clear line each', async (t) => {
  const { hook, directory } = await startListener(t);
  const told = async (text: string) => {
    writeFileSync(hook.pidFile, text);
    return (await fail(hook)).message;
  };
  t.equal(await told(''), `hook:listener failed: ${hook.pidFile} is empty`);
  for (const text of ['nginx', '-1', '0', '1.5', '12a', '0x10', '99999999999', '\0\0']) {
    t.equal(
      await told(text),
      `hook:listener failed: ${hook.pidFile} does not begin with the number of a process`,
      text,
    );
  }
  t.equal(await told(`${process.pid}`), `hook:listener failed: ${hook.pidFile} holds the number of this agent`);
  const absent = join(directory, 'absent');
  t.match(
    (await fail({ ...hook, pidFile: absent })).line,
    `there is no file ${absent}; start the program, or mend pidFile`,
  );
  mkdirSync(join(directory, 'folder'));
  t.match((await fail({ ...hook, pidFile: join(directory, 'folder') })).message, 'it is a directory');
  execFileSync('mkfifo', [join(directory, 'pipe')]);
  t.match((await fail({ ...hook, pidFile: join(directory, 'pipe') })).message, 'is empty', 'a pipe is not waited for');
});

t.test('a process that is gone', async (t) => {
  const { hook, pid, child } = await startListener(t);
  child.kill('SIGKILL');
  await once(child, 'exit');
  const gone = `hook:listener failed: process ${pid}, of ${hook.pidFile}, is gone`;
  t.equal((await fail(hook)).message, gone);
  t.equal((await fail({ ...hook, processName: undefined })).message, gone);
});

t.test('a process or a file of somebody else', async (t) => {
  const { hook, pid } = await startListener(t);
  const denied = openHookBench(generation, {
    uid: 1000,
    sendSignal: () => {
      throw Object.assign(new Error(), { code: 'EPERM' });
    },
  });
  const error = await denied.fail(hook);
  t.equal(
    error.line,
    `hook:listener failed: uid 1000 may not signal process ${pid}; run the agent as its user, or with CAP_KILL`,
  );
});
