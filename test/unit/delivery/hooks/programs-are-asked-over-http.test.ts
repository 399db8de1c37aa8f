import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import t, { type Test } from 'tap';
import type { HttpHook } from '../../../../src/delivery/hooks/config.ts';
import { freePort } from '../../../helpers/free-port.ts';
import { openHookBench } from '../../../helpers/hook-bench.ts';
import { openGenerationMaker } from '../../../helpers/make-generation.ts';

const { run, fail } = openHookBench(await (await openGenerationMaker()).make());

const hookOf = (port: number, options: Partial<HttpHook> = {}): HttpHook => ({
  kind: 'http',
  name: 'hook:app',
  timeoutMs: 5_000,
  method: 'POST',
  url: `http://127.0.0.1:${port}/reload?x=1`,
  ...options,
});

async function serve(t: Test, listener: RequestListener): Promise<{ port: number; asked: IncomingMessage[] }> {
  const asked: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    asked.push(request);
    listener(request, response);
  });
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, asked };
}

t.test('any status of 2xx is a success', async (t) => {
  for (const status of [200, 202, 204]) {
    const { port, asked } = await serve(t, (_, response) => response.writeHead(status).end());
    await run(hookOf(port, { method: status === 204 ? 'PUT' : 'POST' }));
    t.match(asked, [{ method: status === 204 ? 'PUT' : 'POST', url: '/reload?x=1', headers: { connection: 'close' } }]);
  }
});

t.test('any other is a failure, and nobody is sent elsewhere', async (t) => {
  const { port, asked } = await serve(t, ({ url }, response) =>
    url?.startsWith('/reload') ? response.writeHead(307, { location: '/other' }).end() : response.end(),
  );
  t.match((await fail(hookOf(port))).message, 'hook:app failed: it answered 307; redirects are not followed');
  t.equal(asked.length, 1);
  const ill = await serve(t, (_, response) => response.writeHead(500).end('t0psecret'));
  t.equal((await fail(hookOf(ill.port))).line, 'hook:app failed: it answered 500; see why in the log of the program');
});

t.test('nobody there, nobody who answers, nobody who speaks HTTP', async (t) => {
  t.match((await fail(hookOf(await freePort()))).line, 'connection refused; start the program, or mend the url');
  const { port } = await serve(t, () => {});
  t.match(await fail(hookOf(port, { timeoutMs: 100 })), { detail: 'timeout', message: 'no answer within 0.1 s' });
  const server = createTcpServer((socket) => socket.end('nonsense\r\n')).listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  t.match(await fail(hookOf((server.address() as AddressInfo).port)), { detail: 'unreachable' });
});

t.test('an answer without end is not waited for', async (t) => {
  const { port } = await serve(t, (_, response) => {
    response.writeHead(200).write('x');
    const more = setInterval(() => response.write('x'.repeat(10_000)), 1);
    response.on('close', () => clearInterval(more));
  });
  await run(hookOf(port));
});
