import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, lstatSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { AgentError } from '../../../src/errors.ts';
import { readText, serveTexts } from '../../helpers/bundle-stream.ts';
import { openGrpcBench } from '../../helpers/grpc-bench.ts';
import { temporaryDirectory } from '../../helpers/temporary-directory.ts';

const readMode = (path: string) => `0${(statSync(path).mode & 0o777).toString(8)}`;

/** The line of the failure to open. */
async function readFailure(t: Test, options: Parameters<typeof openGrpcBench>[2]): Promise<string> {
  const { socket } = await openGrpcBench(t, [], { ...options, open: false });
  const error = await socket.open().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  t.ok(error instanceof AgentError);
  t.equal((error as AgentError).code, 'ERR_LISTEN');
  return (error as AgentError).line;
}

/** A socket file whose process was killed. */
function leaveStaleSocket(path: string): void {
  const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  try {
    execFileSync(process.execPath, ['-e', script], { stdio: 'ignore' });
  } catch {
    // It was killed.
  }
}

/** The code of the failure. */
function tryToConnect(path: string): Promise<string> {
  return new Promise((resolve) => {
    const connection = connect(path, () => resolve('connected'));
    connection.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code ?? ''));
    connection.once('connect', () => connection.destroy());
  });
}

t.test('directories and socket have the configured modes and group', async (t) => {
  const root = temporaryDirectory(t);
  const socket = join(root, 'a/b/s.sock');
  const group = process.getgroups?.().at(-1) ?? 0;
  await openGrpcBench(t, [], { socket, mode: 0o620, directoryMode: 0o750, group });
  t.equal(readMode(socket), '0620');
  t.equal(lstatSync(socket).gid, group);
  t.equal(readMode(join(root, 'a')), '0750');
  t.equal(readMode(join(root, 'a/b')), '0750');
});

t.test('a directory that is there keeps its mode', async (t) => {
  const root = temporaryDirectory(t);
  chmodSync(root, 0o711);
  await openGrpcBench(t, [], { socket: join(root, 's.sock'), directoryMode: 0o750 });
  t.equal(readMode(root), '0711');
});

t.test('a stale socket is replaced', async (t) => {
  const socket = join(temporaryDirectory(t), 's.sock');
  leaveStaleSocket(socket);
  t.ok(existsSync(socket), 'it was left behind');
  await openGrpcBench(t, [], { socket });
  const { socket: second } = await openGrpcBench(t, [], { socket, open: false });
  await t.rejects(second.open(), { code: 'ERR_LISTEN' }, 'and answers');
});

t.test('a living socket stays with its owner, who goes on', async (t) => {
  const { path, call } = await serveTexts(t, async function* () {
    yield 'first';
  });
  const line = await readFailure(t, { socket: path });
  t.match(line, /cannot listen on the socket .*: another program answers there; end it, or set "socket"/);
  t.same((await call().toArray()).map(readText), ['first']);
});

t.test('a socket that closes is never found dead: a successor could take it, and lose it again', async (t) => {
  for (let round = 0; round < 10; round += 1) {
    const { path, socket } = await openGrpcBench(t, []);
    let closed = false;
    const closing = socket.close().then(() => {
      closed = true;
    });
    const found = new Set<string>();
    while (!closed) found.add(await tryToConnect(path));
    await closing;
    t.notOk(found.has('ECONNREFUSED'), [...found].join(', '));
  }
});

t.test('what is no socket is left alone', async (t) => {
  const socket = join(temporaryDirectory(t), 'precious');
  writeFileSync(socket, 'x');
  t.match(await readFailure(t, { socket }), /there is something that is no socket; move it away/);
  t.equal(statSync(socket).size, 1);
});

t.test('failures are one clear line, and opening can be tried again', async (t) => {
  const root = temporaryDirectory(t);
  writeFileSync(join(root, 'file'), '');
  t.match(await readFailure(t, { socket: join(root, 'file/s.sock') }), /is not a directory; set "socket" to a path/);
  t.match(
    await readFailure(t, { socket: join(root, 'x'.repeat(100)) }),
    /too long for a Unix socket; set "socket" to a path that is shorter by \d+$/,
  );

  const { socket, path } = await openGrpcBench(t, [], { socket: join(root, 'late'), open: false });
  mkdirSync(path);
  await t.rejects(socket.open(), { code: 'ERR_LISTEN' });
  rmSync(path, { recursive: true });
  await socket.open();
  t.ok(lstatSync(path).isSocket());
});

t.test('opening is idempotent, and listens anew when the file has gone', async (t) => {
  const { path, socket } = await openGrpcBench(t, []);
  const { ino } = lstatSync(path);
  await Promise.all([socket.open(), socket.open()]);
  t.equal(lstatSync(path).ino, ino);
  rmSync(path);
  await socket.open();
  t.ok(lstatSync(path).isSocket());
});

t.test('closing removes its own file, and no other', async (t) => {
  const first = await openGrpcBench(t, []);
  await first.socket.close();
  t.notOk(existsSync(first.path));

  const replaced = await openGrpcBench(t, []);
  rmSync(replaced.path);
  await openGrpcBench(t, [], { socket: replaced.path });
  await replaced.socket.close();
  t.ok(existsSync(replaced.path), 'that of its successor stays');
});
