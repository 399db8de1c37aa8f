/**
 * Stands for the network between an API server and the pods of a cluster, as konnectivity provides it to one that is not
 * in that network itself (`EgressSelectorConfiguration`, HTTP CONNECT over a Unix socket). It leaves out the agents on the
 * nodes: each address of a pod is a port of this machine.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';

export interface PodNetwork {
  /** For `startKubeApiserver`. */
  readonly socket: string;
  /** `address` is `IP:PORT` of a pod. Port 0: what connects waits for ever. Where nothing is attached, it is refused. */
  attach(address: string, port: number): void;
  detach(address: string): void;
  close(): void;
}

/** @param directory of a short path, for the socket. */
export async function startPodNetwork(directory: string): Promise<PodNetwork> {
  const socket = join(directory, 'pods.sock');
  const ports = new Map<string, number>();
  const open = new Set<Duplex>();
  const server = createServer().on('connect', (request, client: Duplex) => {
    open.add(client);
    client.on('error', () => undefined);
    const port = ports.get(request.url ?? '');
    if (port === 0) return;
    if (port === undefined) {
      client.end(`HTTP/1.1 502 Bad Gateway\r\n\r\ndial tcp ${request.url}: connect: connection refused\n`);
      return;
    }
    const pod = connect(port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      pod.pipe(client).pipe(pod);
    });
    open.add(pod);
    pod.on('error', () => client.destroy());
    client.on('close', () => pod.destroy());
  });
  server.listen(socket);
  await once(server, 'listening');
  return {
    socket,
    attach: (address, port) => void ports.set(address, port),
    detach: (address) => void ports.delete(address),
    close() {
      server.close();
      for (const one of open) one.destroy();
    },
  };
}
