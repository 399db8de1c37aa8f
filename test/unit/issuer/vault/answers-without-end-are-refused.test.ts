import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { openVaultClient } from '../../../../src/issuer/vault/client.ts';

/** Asks something that answers so. */
async function ask(t: Test, answer: (response: ServerResponse) => void, signal = AbortSignal.timeout(5_000)) {
  const server = createServer((_, response) => answer(response));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = await openVaultClient({ address, skipVerify: false, timeLimitMs: 5_000, nowMs: Date.now });
  t.teardown(() => {
    client.close();
    server.closeAllConnections();
    server.close();
  });
  return client.request({ method: 'GET', path: 'sys/health', purpose: 'asking' }, signal);
}

t.test('more than 1 MiB is no answer of Vault, and is not read to its end', async (t) => {
  let sentBytes = 0;
  const flood = (response: ServerResponse) => {
    const more = () => {
      while (!response.destroyed && sentBytes < 2 ** 26) {
        sentBytes += 65_536;
        if (!response.write(Buffer.alloc(65_536, ' '))) return response.once('drain', more);
      }
      return response.end();
    };
    more();
  };
  await t.rejects(ask(t, flood), {
    code: 'ERR_CA_PROTOCOL',
    message: 'the answer is larger than any of Vault: more than 1 MiB',
  });
  t.ok(sentBytes < 2 ** 26, `${sentBytes} bytes were sent`);
});

t.test('an answer of exactly 1 MiB is read', async (t) => {
  const { status, body } = await ask(t, (response) => response.end(`"${'x'.repeat(2 ** 20 - 2)}"`));
  t.equal(status, 200);
  t.equal(String(body).length, 2 ** 20 - 2);
});

t.test('an answer that is cut off is none', async (t) => {
  const cutOff = (response: ServerResponse) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('{"data":', () => response.destroy());
  };
  await t.rejects(ask(t, cutOff), { code: 'ERR_CA_UNREACHABLE' });
});

t.test('one that stalls is given up when asked to', async (t) => {
  const stop = new AbortController();
  const stall = (response: ServerResponse) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('{"data":', () => setImmediate(() => stop.abort()));
  };
  await t.rejects(ask(t, stall, stop.signal), { name: 'AgentError' });
});

t.test('what was given up before is never sent', async (t) => {
  let asked = 0;
  const count = (response: ServerResponse) => {
    asked += 1;
    response.end('{}');
  };
  await t.rejects(ask(t, count, AbortSignal.abort()), { name: 'AgentError' });
  t.equal(asked, 0);
});
