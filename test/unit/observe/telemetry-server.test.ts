import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import { openTelemetryServer } from '../../../src/observe/telemetry-server.ts';
import { setUpObservation } from '../../helpers/observation-bench.ts';
import { openRecordingLog } from '../../helpers/recording-log.ts';

async function setUp(t: Test, facts: Parameters<typeof setUpObservation>[0] = {}) {
  const bench = await setUpObservation(facts);
  const server = await openTelemetryServer({ host: '127.0.0.1', port: 0 }, bench.observation, openRecordingLog());
  t.teardown(() => server.close());
  return { ...bench, server, get: (path: string, method = 'GET') => fetch(server.url + path, { method }) };
}

t.test('probes see what the agent is', async (t) => {
  const { get, issue, deliver, clock } = await setUp(t);
  t.equal((await get('/readyz')).status, 503);
  t.match(await (await get('/readyz')).text(), /^failed\n\[-\] certificate: none yet\n/);
  t.equal((await get('/healthz')).status, 200);
  deliver(await issue());
  t.equal((await get('/readyz?verbose')).status, 200);
  clock.advance(200_000);
  t.equal((await get('/healthz')).status, 503, 'the loop has stopped');
});

t.test('Prometheus gets the text format, whatever it would accept', async (t) => {
  const { server, issue } = await setUp(t);
  await issue();
  const headers = { accept: 'application/openmetrics-text;version=1.0.0;q=0.9,text/plain;q=0.5' };
  for (let scrape = 0; scrape < 2; scrape += 1) {
    const response = await fetch(`${server.url}/metrics`, { headers });
    t.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
    t.match(await response.text(), /^meshcert_rotations_total\{backend="vault-1",reason="start"\} 1$/m);
  }
});

t.test('programs read the same status as on the admin socket, in which nothing is secret', async (t) => {
  const { get, issue, deliver, observation } = await setUp(t);
  deliver(await issue());
  const response = await get('/status');
  t.equal(response.headers.get('content-type'), 'application/json');
  const text = await response.text();
  t.strictSame(JSON.parse(text), observation.status());
  t.notMatch(text, /PRIVATE|BEGIN/);
});

t.test('a person gets a page with links, in which nothing is taken for HTML', async (t) => {
  const { get } = await setUp(t, { name: '<script>alert(1)</script>' });
  const page = await (await get('/')).text();
  t.match(page, '<a href="/metrics">');
  t.match(page, 'spiffe://default/web');
  t.notMatch(page, '<script>');
});

t.test('read-only: other methods are refused, other paths are not there', async (t) => {
  const { get } = await setUp(t);
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    const response = await get('/metrics', method);
    t.equal(response.status, 405, method);
    t.equal(response.headers.get('allow'), 'GET, HEAD');
  }
  for (const path of ['/status/', '/rotate', '/quit', '/metrics/', '/..%2f', '/toString', '/__proto__']) {
    t.equal((await get(path)).status, 404, path);
  }
  const head = await get('/metrics', 'HEAD');
  t.equal(head.status, 200);
  t.ok(Number(head.headers.get('content-length')) > 100);
  t.equal(await head.text(), '');
});

t.test('hostile requests cost one connection and no more', async (t) => {
  const { server, get } = await setUp(t);
  const { hostname, port } = new URL(server.url);
  const say = async (request: string) => {
    const socket = connect(Number(port), hostname);
    socket.write(request);
    return text(socket);
  };
  t.match(await say(`GET / HTTP/1.1\r\nhost: x\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`), /^HTTP\/1.1 431 /);
  t.match(await say('nonsense\r\n\r\n'), /^HTTP\/1.1 400 /);
  t.match(
    await say('GET /healthz HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\nx'),
    /^HTTP\/1.1 200 OK\r\n[\s\S]*connection: close/i,
    'a body is not waited for',
  );
  t.equal((await get('/healthz')).status, 200);
});

t.test('a failure of ours is a 500 without details, and is logged', async (t) => {
  const { observation } = await setUpObservation();
  const log = openRecordingLog();
  const metrics = { ...observation.metrics, render: () => Promise.reject(new Error('inner secret')) };
  const server = await openTelemetryServer({ host: '127.0.0.1', port: 0 }, { ...observation, metrics }, log);
  t.teardown(() => server.close());
  const response = await fetch(`${server.url}/metrics`);
  t.equal(response.status, 500);
  t.equal(await response.text(), 'internal error\n');
  t.match(log.lines, [/ERROR "?a request failed"? path=\/metrics/]);
});

t.test('a port in use, or an address that is not here, is one clear line', async (t) => {
  const { observation } = await setUpObservation();
  const blocker = createServer().listen(0, '127.0.0.1');
  await once(blocker, 'listening');
  t.teardown(() => blocker.close());
  const { port } = blocker.address() as { port: number };
  const open = (host: string, on: number) =>
    openTelemetryServer({ host, port: on }, observation, openRecordingLog()).catch((error) => error);
  const inUse = await open('127.0.0.1', port);
  t.match(inUse, { code: 'ERR_LISTEN', retry: 'never' });
  t.equal(
    inUse.line,
    `cannot serve telemetry on 127.0.0.1:${port}: the port is in use; set telemetry.address to a free one, or end its user (ss -ltnp shows it)`,
  );
  t.match((await open('192.0.2.1', 9902)).line, 'this machine has no such address');
});

t.test('closing waits for no client', async (t) => {
  const { server } = await setUp(t);
  const { hostname, port } = new URL(server.url);
  const idle = connect(Number(port), hostname);
  await once(idle, 'connect');
  await server.close();
  await t.rejects(fetch(server.url));
});
