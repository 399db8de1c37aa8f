/**
 * Stands for the network between an API server and the pods of a cluster, as konnectivity provides it to one that is not
 * in that network itself (`EgressSelectorConfiguration`, HTTP CONNECT over a Unix socket), and for kube-proxy, which leads
 * the address of a Service to its pods. It leaves out the agents on the nodes: each address is a port of this machine.
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
  /** All ports of a pod's IP are those of an IP address of this machine. */
  attachPod(ip: string, host: string): void;
  /** `address` is `IP:PORT` of a Service. What connects is led to one pod after the other. */
  attachService(address: string, pods: readonly Endpoint[]): void;
  /** `IP` or `IP:PORT`. */
  detach(address: string): void;
  close(): void;
}

/** Of this machine. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** @param directory of a short path, for the socket. */
export async function startPodNetwork(directory: string): Promise<PodNetwork> {
  const socket = join(directory, 'pods.sock');
  const services = new Map<string, Endpoint[]>();
  const pods = new Map<string, string>();
  const open = new Set<Duplex>();

  function find(address: string): Endpoint | undefined {
    const endpoints = services.get(address);
    const next = endpoints?.shift();
    if (next !== undefined) endpoints?.push(next);
    const [ip = '', port] = address.split(':');
    const host = pods.get(ip);
    return next ?? (host === undefined ? undefined : { host, port: Number(port) });
  }

  const server = createServer().on('connect', (request, client: Duplex) => {
    open.add(client);
    client.on('error', () => undefined);
    const endpoint = find(request.url ?? '');
    if (endpoint?.port === 0) return;
    const refuse = () =>
      client.end(`HTTP/1.1 502 Bad Gateway\r\n\r\ndial tcp ${request.url}: connect: connection refused\n`);
    if (endpoint === undefined) return void refuse();
    const pod = connect(endpoint, () => {
      pod.off('error', refuse);
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      pod.pipe(client).pipe(pod);
    });
    open.add(pod);
    pod.on('error', refuse).on('close', () => client.end());
    client.on('close', () => pod.destroy());
  });
  server.listen(socket);
  await once(server, 'listening');
  return {
    socket,
    attach: (address, port) => void services.set(address, [{ host: '127.0.0.1', port }]),
    attachPod: (ip, host) => void pods.set(ip, host),
    attachService: (address, endpoints) => void services.set(address, [...endpoints]),
    detach: (address) => void (services.delete(address) || pods.delete(address)),
    close() {
      server.close();
      for (const one of open) one.destroy();
    },
  };
}
