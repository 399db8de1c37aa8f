import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, request as requestTls } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { ServerCertificate } from './server-certificate.ts';

export interface RelayedCall {
  readonly method: string;
  /** Below `/v1/`. */
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Readonly<Record<string, unknown>>;
}

export interface VaultRelay {
  readonly address: string;
  /** In the order of their arrival. */
  readonly calls: RelayedCall[];
  readonly connections: () => number;
  /** Calls whose path ends like this are not passed on, nor answered, until `release`. */
  hold(pathEnd: string): void;
  release(): void;
  close(): Promise<void>;
}

export interface VaultRelayOptions {
  /** Serves HTTPS with this certificate, and asks a Vault that serves with it too. */
  readonly certificate?: ServerCertificate;
  /** Added to every request on its way to Vault. */
  readonly addHeaders?: Readonly<Record<string, string>>;
  /** Looks at a call before Vault does, and may answer in its place. */
  readonly intercept?: (call: RelayedCall) => { readonly status: number; readonly body: unknown } | undefined;
}

/** Stands before a real Vault, sees what is asked, and can keep it waiting. */
export async function openVaultRelay(
  vaultAddress: string,
  { certificate, addHeaders, intercept }: VaultRelayOptions = {},
): Promise<VaultRelay> {
  const calls: RelayedCall[] = [];
  let connections = 0;
  let held: { readonly pathEnd: string; readonly released: Promise<void>; readonly release: () => void } | undefined;
  const ca = certificate?.caPem;
  const send = ca === undefined ? request : requestTls;
  const relay = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const { method = '', url = '', headers } = incoming;
    const text = Buffer.concat(chunks).toString();
    const path = url.replace('/v1/', '');
    const call = { method, path, headers, body: text === '' ? {} : JSON.parse(text) };
    calls.push(call);
    if (held !== undefined && path.endsWith(held.pathEnd)) await held.released;
    const ours = intercept?.(call);
    if (ours !== undefined) {
      outgoing.writeHead(ours.status, { 'content-type': 'application/json' }).end(JSON.stringify(ours.body));
      return;
    }
    const onward = send(`${vaultAddress}${url}`, { method, headers: { ...headers, ...addHeaders }, ca }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    onward.end(text);
  };
  const server =
    certificate === undefined
      ? createServer(relay)
      : createTlsServer(
          { cert: readFileSync(certificate.certificateFile), key: readFileSync(certificate.keyFile) },
          relay,
        );
  server.on(certificate === undefined ? 'connection' : 'secureConnection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `${certificate === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    connections: () => connections,
    hold(pathEnd) {
      const { promise, resolve } = Promise.withResolvers<void>();
      held = { pathEnd, released: promise, release: resolve };
    },
    release() {
      held?.release();
      held = undefined;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
