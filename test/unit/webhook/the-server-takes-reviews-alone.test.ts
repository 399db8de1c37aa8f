import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { openAdmissionServer } from '../../../src/webhook/admission-server.ts';
import { makePair } from '../../../src/webhook/make-pair.ts';

const pair = await makePair({ hosts: ['127.0.0.1'], ttlSeconds: 600, nowMs: Date.now() });
const server = await openAdmissionServer({ host: '127.0.0.1', port: 0 }, async (body) => ({
  outcome: 'unchanged',
  status: 200,
  type: 'application/json',
  body: JSON.stringify({ length: body.length }),
  facts: {},
}));
t.teardown(() => server.close());

interface Said {
  readonly status: number | undefined;
  readonly text: string;
  readonly connection: string | undefined;
}
function ask(method: string, path: string, body: string | Buffer = '', ca = pair.ca): Promise<Said> {
  return new Promise((resolve, reject) => {
    request(`${server.url}${path}`, { method, ca, agent: false, headers: { connection: 'keep-alive' } }, (response) => {
      const { statusCode: status, headers } = response;
      text(response).then((said) => resolve({ status, text: said, connection: headers.connection }), reject);
    })
      .on('error', reject)
      .end(body);
  });
}

t.test('without a certificate nobody comes in', async (t) => {
  await t.rejects(ask('POST', '/inject', '{}'));
});

t.test('reviews, and nothing else', async (t) => {
  server.useCertificate(pair);
  t.match(await ask('POST', '/inject?timeout=10s', '{}'), {
    status: 200,
    text: '{"length":2}',
    connection: 'keep-alive',
  });
  t.match(await ask('GET', '/inject'), { status: 405 });
  t.match(await ask('POST', '/', '{}'), { status: 404 });
  const large = await ask('POST', '/inject', Buffer.alloc(9 * 1024 * 1024)).catch((error: Error) => error);
  t.ok(large instanceof Error || large.status === 413, 'is cut off');
});

t.test('another certificate is served from the next connection on', async (t) => {
  const next = await makePair({ hosts: ['127.0.0.1'], ttlSeconds: 600, nowMs: Date.now() });
  server.useCertificate(next);
  await t.rejects(ask('POST', '/inject', '{}'), 'by the CA of before');
  t.match(await ask('POST', '/inject', '{}', next.ca), { status: 200 });
  server.drain();
  t.match(await ask('POST', '/inject', '{}', next.ca), { status: 200, connection: 'close' });
});

t.test('a port that is taken is told', async (t) => {
  const port = Number(new URL(server.url).port);
  await t.rejects(
    openAdmissionServer({ host: '127.0.0.1', port }, async () => Promise.reject()),
    {
      code: 'ERR_LISTEN',
      message: /cannot serve admissions on 127\.0\.0\.1:\d+: EADDRINUSE/,
    },
  );
});
