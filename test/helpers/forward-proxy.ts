// Stands for a forward proxy as companies have it (Squid and the like), on the wire: CONNECT, whole URLs, Basic
// authentication, names that it alone can look up. Leaves out caches, other schemes of authentication, and rules.
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type ServerResponse, STATUS_CODES } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ServerCertificate } from './server-certificate.ts';

export interface ForwardProxyOptions {
  /** Where hosts are on this machine, by `vault.test:8200`: ports. Everything else it cannot reach. */
  readonly hosts: Readonly<Record<string, number>>;
  /** Default: a free one. */
  readonly port?: number;
  /** `user:password`, wanted of everybody. */
  readonly credentials?: string;
  /** Refuses everything with this status. */
  readonly refusal?: number;
  /** Is spoken to by TLS. */
  readonly certificate?: ServerCertificate;
  /** Takes connections and requests, and never answers. */
  readonly isSilent?: boolean;
}

export interface ForwardProxy {
  /** `http://127.0.0.1:3128` */
  readonly address: string;
  readonly port: number;
  /** `CONNECT vault.test:8200`, `GET http://vault.test:8200/v1/sys/health`, in the order of their arrival. */
  readonly asked: string[];
  /** Headers of what was sent as whole URLs, and is passed on. */
  readonly passedOn: IncomingMessage['headers'][];
  /** Connections to it that are open. */
  open(): number;
  close(): Promise<void>;
}

export async function openForwardProxy(options: ForwardProxyOptions): Promise<ForwardProxy> {
  const { hosts, credentials, certificate, refusal, isSilent = false } = options;
  const asked: string[] = [];
  const passedOn: IncomingMessage['headers'][] = [];
  const sockets = new Set<Duplex>();
  const wanted = credentials && `Basic ${Buffer.from(credentials).toString('base64')}`;
  const judge = (incoming: IncomingMessage, authority: string): number => {
    if (refusal !== undefined) return refusal;
    if (wanted !== undefined && incoming.headers['proxy-authorization'] !== wanted) return 407;
    return hosts[authority] === undefined ? 502 : 200;
  };
  const keep = (socket: Duplex) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  };

  const pass = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const { method = '', url = '', headers } = incoming;
    asked.push(`${method} ${url}`);
    if (isSilent) return;
    const { host, pathname, search } = new URL(url);
    const status = judge(incoming, host);
    if (status !== 200) {
      outgoing.writeHead(status, { 'content-type': 'text/html' }).end(`<html>no: ${status}</html>`);
      return;
    }
    passedOn.push(headers);
    const { 'proxy-authorization': _, ...onwards } = headers;
    const target = { host: '127.0.0.1', port: hosts[host], path: `${pathname}${search}` };
    const onward = request({ ...target, method, headers: onwards }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  };
  const tunnel = (incoming: IncomingMessage, socket: Duplex) => {
    const { url: authority = '' } = incoming;
    asked.push(`CONNECT ${authority}`);
    if (isSilent) {
      socket.on('end', () => socket.end()).resume();
      return;
    }
    const status = judge(incoming, authority);
    if (status !== 200) {
      socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Length: 2\r\n\r\nno`);
      return;
    }
    const target: Socket = connect(hosts[authority] ?? 0, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      socket.pipe(target).pipe(socket);
    });
    target.on('error', () => socket.destroy()).on('close', () => socket.destroy());
    socket.on('close', () => target.destroy());
  };

  const server =
    certificate === undefined
      ? createServer(pass)
      : createTlsServer(
          { cert: readFileSync(certificate.certificateFile), key: readFileSync(certificate.keyFile) },
          pass,
        );
  server.on('connect', tunnel).on('connection', keep);
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: `${certificate === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    port,
    asked,
    passedOn,
    open: () => sockets.size,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
