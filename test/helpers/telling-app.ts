import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import {
  createServer as createHttp1,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttp2, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import { createServer as createHttps } from 'node:https';
import { type AddressInfo, createServer, type Server } from 'node:net';
import type { Test } from 'tap';
import type { ServerCertificate } from './server-certificate.ts';

/** What the application answers with: the request as it saw it. */
export interface Told {
  readonly httpVersion: string;
  readonly headers: IncomingHttpHeaders;
  /** Whether it took TLS of its own. */
  readonly tls: boolean;
}

/**
 * An application that tells each caller, as JSON, what it saw of the request. It speaks HTTP/1.1 and HTTP/2 in plaintext on
 * one port. Ended by the test's teardown.
 *
 * @returns `127.0.0.1:PORT`
 */
export async function startTellingApp(t: Pick<Test, 'teardown'>): Promise<string> {
  const http1 = createHttp1(tell(false));
  const http2 = createHttp2(tell(false));
  const server = createServer((socket) => {
    socket.once('readable', () => {
      const first = socket.read() as Buffer | null;
      if (first === null) return;
      socket.unshift(first);
      (first.toString('latin1').startsWith('PRI * HTTP/2') ? http2 : http1).emit('connection', socket);
    });
    socket.on('error', () => undefined);
  });
  return listen(t, server);
}

/** As {@link startTellingApp}, over TLS with a certificate of its own that no mesh knows. */
export async function startTellingTlsApp(t: Pick<Test, 'teardown'>, own: ServerCertificate): Promise<string> {
  const server = createHttps({ cert: readFileSync(own.certificateFile), key: readFileSync(own.keyFile) }, tell(true));
  return listen(t, server);
}

function tell(tls: boolean) {
  return (request: IncomingMessage | Http2ServerRequest, response: ServerResponse | Http2ServerResponse) => {
    const { httpVersion, headers } = request;
    (response as ServerResponse).end(JSON.stringify({ httpVersion, headers, tls } satisfies Told));
  };
}

async function listen(t: Pick<Test, 'teardown'>, server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}
