import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';

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

/** Stands before a real Vault (plain HTTP), sees what is asked, and can keep it waiting. */
export async function openVaultRelay(vaultAddress: string): Promise<VaultRelay> {
  const calls: RelayedCall[] = [];
  let connections = 0;
  let held: { readonly pathEnd: string; readonly released: Promise<void>; readonly release: () => void } | undefined;
  const server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const { method = '', url = '', headers } = incoming;
    const text = Buffer.concat(chunks).toString();
    const path = url.replace('/v1/', '');
    calls.push({ method, path, headers, body: text === '' ? {} : JSON.parse(text) });
    if (held !== undefined && path.endsWith(held.pathEnd)) await held.released;
    const onward = request(`${vaultAddress}${url}`, { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    onward.end(text);
  });
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
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
