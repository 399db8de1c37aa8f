import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface TcpRelay {
  readonly port: number;
  /** Ends every connection, now. */
  cut(): void;
  /** Ends a connection in place of the next thing that the server says on it; what was asked has arrived then. */
  cutNextAnswer(): void;
  /** How many connections were opened so far. */
  connections(): number;
  close(): Promise<void>;
}

/** A network that fails when a test says so, before a real server on this machine. */
export async function openTcpRelay(targetPort: number): Promise<TcpRelay> {
  const sockets = new Set<Socket>();
  let connections = 0;
  let isCuttingNext = false;
  const server = createServer((client) => {
    connections += 1;
    const target = connect(targetPort, '127.0.0.1');
    for (const socket of [client, target]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        target.destroy();
      });
    }
    client.pipe(target);
    target.on('data', (chunk) => {
      if (isCuttingNext) {
        isCuttingNext = false;
        client.destroy();
      } else {
        client.write(chunk);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    cutNextAnswer() {
      isCuttingNext = true;
    },
    connections: () => connections,
    async close() {
      server.close();
      cut();
      await once(server, 'close');
    },
  };
}
