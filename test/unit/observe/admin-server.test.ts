import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { systemClock } from '../../../src/clock.ts';
import { AgentError } from '../../../src/errors.ts';
import { type AdminActions, type AdminServerOptions, openAdminServer } from '../../../src/observe/admin-server.ts';
import { askSocket } from '../../helpers/ask-socket.ts';
import { setUpObservation } from '../../helpers/observation-bench.ts';
import { openRecordingLog } from '../../helpers/recording-log.ts';

const { observation } = await setUpObservation();

/** Short, as the path of a socket has little room. */
function makeDirectory(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'mc-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

async function open(
  t: Test,
  socket: string,
  actions: Partial<AdminActions> = {},
  options: Partial<AdminServerOptions> = {},
) {
  const server = await openAdminServer(
    socket,
    { status: () => observation.status(), rotate: async () => 7, quit: () => {}, ...actions },
    { clock: systemClock, log: openRecordingLog(), ...options },
  );
  t.teardown(() => server.close());
  return server;
}

const failToOpen = (t: Test, socket: string): Promise<AgentError> =>
  open(t, socket).then(
    () => Promise.reject(new Error('it was opened')),
    (error) => (error instanceof AgentError ? error : Promise.reject(error)),
  );

const modeOf = (path: string) => (lstatSync(path).mode & 0o777).toString(8);

t.test('only its own user can reach the socket, and the directory stays fit for what else lies there', async (t) => {
  for (const umask of [0o000, 0o077]) {
    const before = process.umask(umask);
    const directory = join(makeDirectory(t), 'run', 'meshcert');
    await open(t, join(directory, 'admin.sock'));
    process.umask(before);
    t.equal(modeOf(join(directory, 'admin.sock')), '600');
    t.equal(modeOf(directory), '755', "Envoy's files are there by default");
    t.same(readdirSync(directory), ['admin.sock']);
  }
  const narrow = makeDirectory(t);
  chmodSync(narrow, 0o700);
  await open(t, join(narrow, 'admin.sock'));
  t.equal(modeOf(narrow), '700', 'one that exists keeps its mode');
});

t.test('status, as JSON', async (t) => {
  const socket = join(makeDirectory(t), 'admin.sock');
  await open(t, socket);
  const { status, type, text } = await askSocket(socket, 'GET', '/status');
  t.same([status, type], [200, 'application/json']);
  t.strictSame(JSON.parse(text), observation.status());
});

t.test('rotate answers when it is delivered, or why it is not', async (t) => {
  const socket = join(makeDirectory(t), 'admin.sock');
  const outcomes = [
    () => Promise.resolve(7),
    () => Promise.reject(new AgentError('ERR_CA_UNREACHABLE', 'no answer from the CA', { remedy: 'start it' })),
  ];
  await open(t, socket, { rotate: () => outcomes.shift()?.() ?? Promise.resolve(8) });
  t.match(JSON.parse((await askSocket(socket, 'POST', '/rotate')).text), {
    generation: 7,
    status: { spiffeId: 'spiffe://default/web' },
  });
  const failed = await askSocket(socket, 'POST', '/rotate');
  t.equal(failed.status, 503);
  t.strictSame(JSON.parse(failed.text), {
    error: { code: 'ERR_CA_UNREACHABLE', message: 'no answer from the CA', remedy: 'start it' },
  });
  t.equal((await askSocket(socket, 'GET', '/rotate')).status, 405, 'looking rotates nothing');
});

t.test('a rotate that takes too long is answered, and its waiting ended', async (t) => {
  const socket = join(makeDirectory(t), 'admin.sock');
  let ended = false;
  const rotate = (signal: AbortSignal) =>
    new Promise<number>((_, reject) =>
      signal.addEventListener('abort', () => {
        ended = true;
        reject(new Error('aborted'));
      }),
    );
  await open(t, socket, { rotate }, { rotateTimeoutMs: 20 });
  const { status, text } = await askSocket(socket, 'POST', '/rotate');
  t.equal(status, 503);
  t.match(JSON.parse(text).error, { code: 'ERR_AGENT', message: 'not rotated within 0.02 s' });
  t.ok(ended);
});

t.test('quit is answered before it happens', async (t) => {
  const socket = join(makeDirectory(t), 'admin.sock');
  const quit = Promise.withResolvers<void>();
  const server = await open(t, socket, { quit: () => quit.resolve(server.close()) });
  t.equal((await askSocket(socket, 'POST', '/quit')).status, 202);
  await quit.promise;
  t.notOk(existsSync(socket), 'no socket is left');
});

t.test('a living socket is never taken, and the message says whose it is', async (t) => {
  const socket = join(makeDirectory(t), 'admin.sock');
  await open(t, socket);
  const error = await failToOpen(t, socket);
  t.match(error, { code: 'ERR_LISTEN', retry: 'never' });
  t.equal(
    error.line,
    `cannot listen on the socket ${socket}: another agent (spiffe://default/web, pid 4242) answers there; end it, or set admin.socket to another path`,
  );
  t.equal((await askSocket(socket, 'GET', '/status')).status, 200, 'it still serves');

  const strange = join(makeDirectory(t), 'strange.sock');
  const stranger = createServer((connection) => connection.end('SSH-2.0\r\n')).listen(strange);
  await once(stranger, 'listening');
  t.teardown(() => stranger.close());
  t.match((await failToOpen(t, strange)).message, 'another program answers there');
});

t.test('a socket that a killed agent left is replaced', async (t) => {
  const socket = join(makeDirectory(t), 'admin.sock');
  const script = "require('node:net').createServer().listen(process.argv[1], () => console.log('up'))";
  const killed = spawn(process.execPath, ['-e', script, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(killed.stdout, 'data');
  killed.kill('SIGKILL');
  await once(killed, 'exit');
  t.ok(lstatSync(socket).isSocket(), 'it is left');
  await open(t, socket);
  t.equal((await askSocket(socket, 'GET', '/status')).status, 200);
});

t.test('an agent that was replaced takes nothing away from its successor', async (t) => {
  const socket = join(makeDirectory(t), 'admin.sock');
  const first = await open(t, socket);
  rmSync(socket);
  await open(t, socket);
  await first.close();
  t.equal((await askSocket(socket, 'GET', '/status')).status, 200);
});

t.test('what is no socket is not replaced, and impossible paths are one clear line', async (t) => {
  const directory = makeDirectory(t);
  writeFileSync(join(directory, 'file'), 'precious');
  t.match((await failToOpen(t, join(directory, 'file'))).line, 'there is something that is no socket; move it away');
  t.match(
    (await failToOpen(t, join(directory, 'file', 'admin.sock'))).line,
    /file.* is not a directory; set admin.socket/,
  );
  const deep = join(directory, 'd'.repeat(100));
  mkdirSync(deep);
  t.match((await failToOpen(t, join(deep, 'admin.sock'))).message, 'too long for a Unix socket');
  t.same(readdirSync(deep), [], 'nothing is left behind');
});
