import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { AgentError } from '../errors.ts';
import type { AdmissionAnswer } from './admission.ts';

export interface AdmissionServer {
  /** `https://127.0.0.1:9443` */
  readonly url: string;
  /** Serves another certificate from the next connection on; those that are open go on. PEM. */
  useCertificate(pair: { readonly certificate: string; readonly key: string }): void;
  /** From now on every answer ends its connection, so that clients look for somebody else. */
  drain(): void;
  close(): Promise<void>;
}

/** Pods have at most 1.5 MiB, and stand in a review once. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;
const PATH = '/inject';

/**
 * Answers `POST /inject` over TLS; without a certificate yet, handshakes fail.
 *
 * @param listen port 0: any free one.
 * @throws AgentError `ERR_LISTEN`
 */
export async function openAdmissionServer(
  listen: { readonly host: string; readonly port: number },
  answer: (body: string) => Promise<AdmissionAnswer>,
): Promise<AdmissionServer> {
  let isDraining = false;
  const limits = { headersTimeout: 5_000, requestTimeout: 30_000, keepAliveTimeout: 60_000 };
  const server = createServer({ ...limits, minVersion: 'TLSv1.2' }, (request, response) => {
    if (isDraining) response.setHeader('connection', 'close');
    void respond(request, response, answer);
  });
  server.maxConnections = 256;
  await startListening(server, listen);
  const { address, port, family } = server.address() as AddressInfo;
  return {
    url: `https://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    useCertificate: ({ certificate, key }) => server.setSecureContext({ cert: certificate, key }),
    drain() {
      isDraining = true;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function startListening(server: Server, listen: { host: string; port: number }): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(listen, resolve);
  await promise.catch((cause: NodeJS.ErrnoException) => {
    throw new AgentError('ERR_LISTEN', `cannot serve admissions on ${listen.host}:${listen.port}: ${cause.code}`, {
      remedy: 'set --listen to an address that this machine has, and a port that is free',
      cause,
    });
  });
  server.off('error', reject);
  // A connection that cannot be accepted must not end the others.
  server.on('error', () => undefined);
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  answer: (body: string) => Promise<AdmissionAnswer>,
): Promise<void> {
  const send = (status: number, type: string, body: string) => {
    response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
    response.end(body);
  };
  const say = (status: number, line: string) => {
    response.setHeader('connection', 'close');
    send(status, 'text/plain; charset=utf-8', `${line}\n`);
    request.resume();
  };
  if (request.url?.split('?', 1)[0] !== PATH) return say(404, `there is only ${PATH}`);
  if (request.method !== 'POST') return say(405, 'use POST');
  try {
    const body = await readBody(request);
    if (body === undefined) return say(413, 'an AdmissionReview is not as large as this');
    const { status, type, body: text } = await answer(body);
    send(status, type, text);
  } catch {
    // The client has gone.
    response.destroy();
  }
}

/** Undefined: it is too large. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
