import type { Server, ServerResponse } from 'node:http';
import type { Log } from '../log.ts';

export interface Answer {
  readonly status: number;
  readonly type: 'text/plain; charset=utf-8' | 'text/html; charset=utf-8' | 'application/json' | (string & {});
  readonly body: string;
}

/** @param signal aborted when the client has gone. */
export type Handler = (signal: AbortSignal) => Answer | Promise<Answer>;

/** By path, then by method. Where there is GET, there is HEAD. */
export type Routes = Readonly<Record<string, { readonly GET?: Handler; readonly POST?: Handler }>>;

/**
 * A small HTTP server for our own few paths. Bodies of requests are not read; slow or oversized requests are cut off.
 * node:http is loaded here, at the first call. Not yet listening.
 */
export async function makeHttpServer(routes: Routes, log: Log): Promise<Server> {
  const { createServer } = await import('node:http');
  const limits = {
    headersTimeout: 5_000,
    requestTimeout: 10_000,
    keepAliveTimeout: 5_000,
    maxHeaderSize: 8 * 1024,
  };
  const server = createServer(limits, (request, response) => {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const { method = 'GET', url = '/', headers } = request;
    if (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0) {
      response.setHeader('connection', 'close');
    }
    request.resume();
    const path = url.split('?', 1)[0] ?? '/';
    void answer(routes, path, method, gone.signal)
      .catch((error: unknown) => {
        log.error('a request failed', { path, error: error instanceof Error ? error.message : String(error) });
        return { status: 500, type: 'text/plain; charset=utf-8', body: 'internal error\n', allow: undefined };
      })
      .then((answered) => send(response, method, answered));
  });
  server.maxConnections = 64;
  return server;
}

/** Begins to listen. @throws Error of the operating system. */
export async function startListening(
  server: Server,
  where: { readonly path: string } | { readonly host: string; readonly port: number },
  log: Log,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(where, resolve);
  await promise;
  server.off('error', reject);
  // A connection that cannot be accepted (no file descriptors left) must not end the agent.
  server.on('error', (error) => log.error('a connection was not accepted', { error: error.message }));
}

/** Ends a server now, requests under way included. Resolves when it is closed. */
export function closeHttpServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

async function answer(
  routes: Routes,
  path: string,
  method: string,
  signal: AbortSignal,
): Promise<Answer & { readonly allow?: string | undefined }> {
  const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
  if (route === undefined) return { status: 404, type: 'text/plain; charset=utf-8', body: 'not found\n' };
  const handler = { GET: route.GET, HEAD: route.GET, POST: route.POST }[method];
  if (handler !== undefined) return handler(signal);
  const allow = [route.GET ? ['GET', 'HEAD'] : [], route.POST ? ['POST'] : []].flat().join(', ');
  return { status: 405, type: 'text/plain; charset=utf-8', body: `use ${allow}\n`, allow };
}

function send(
  response: ServerResponse,
  method: string,
  { status, type, body, allow }: Answer & { allow?: string | undefined },
) {
  response.statusCode = status;
  response.setHeader('content-type', type);
  response.setHeader('content-length', Buffer.byteLength(body));
  response.setHeader('cache-control', 'no-store');
  response.setHeader('x-content-type-options', 'nosniff');
  if (allow !== undefined) response.setHeader('allow', allow);
  response.end(method === 'HEAD' ? undefined : body);
}
