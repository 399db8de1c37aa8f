import { X509Certificate } from 'node:crypto';
import { Agent, get } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { type RunningEnvoy, startEnvoy } from './envoy.ts';
import { describeClient, describeServer, type MeshService } from './mesh-envoys.ts';

export interface MeshTrafficOptions {
  /** Configuration and logs of both Envoys. */
  readonly directory: string;
  readonly server: MeshService;
  readonly client: MeshService;
  /** From one request to the next. Default 25. */
  readonly everyMs?: number;
}

/** One request through both proxies, over a TLS connection of its own between them. */
export interface Exchange {
  /** Wall clock. */
  readonly sentAtMs: number;
  readonly latencyMs: number;
  /** Undefined: it was answered with 200 by the server's proxy. */
  readonly failure?: string;
  /** Flags and reason, where the client's proxy answered that it did not reach the server's: `UF,URX Connection refused`. */
  readonly upstreamFailure?: string;
  /** Serial numbers, in upper-case hexadecimal, of the certificates that each showed to the other. */
  readonly serverSerial?: string | undefined;
  readonly clientSerial?: string | undefined;
}

export interface MeshTraffic {
  readonly exchanges: readonly Exchange[];
  failures(): Exchange[];
  /** When a certificate was first seen in use. */
  firstSeenMs(side: 'serverSerial' | 'clientSerial', serialNumber: string): number | undefined;
  /** Milliseconds; `share` of the answers took no longer. */
  latencyMs(share: number): number;
  readonly serverEnvoy: RunningEnvoy;
  readonly clientEnvoy: RunningEnvoy;
  /** The TCP port of the server's mutual TLS. */
  readonly serverPort: number;
  stop(): Promise<void>;
}

/**
 * Two real Envoys with mutual TLS from two agents, and requests through both of them, one after the other,
 * until `stop`. Each Envoy accepts the other one's SPIFFE ID alone, by TLS 1.3 alone, without resumption of sessions.
 */
export async function startMeshTraffic(options: MeshTrafficOptions): Promise<MeshTraffic> {
  const { directory, server, client, everyMs = 25 } = options;
  const serverEnvoy = await startEnvoy({ directory, name: 'server', config: describeServer(server, client) });
  const serverPort = await serverEnvoy.listenerPort('mtls');
  const config = describeClient(client, server, serverPort);
  const clientEnvoy = await startEnvoy({ directory, name: 'client', config }).catch(async (thrown) => {
    await serverEnvoy.stop();
    throw thrown;
  });
  const port = await clientEnvoy.listenerPort('plain');
  const exchanges: Exchange[] = [];
  const stopping = new AbortController();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const sending = (async () => {
    while (!stopping.signal.aborted) {
      const exchange = await sendOverMesh(port, agent);
      exchanges.push(exchange);
      await wait(Math.max(0, everyMs - exchange.latencyMs));
    }
  })();
  return {
    exchanges,
    failures: () => exchanges.filter(({ failure }) => failure !== undefined),
    firstSeenMs: (side, serialNumber) => {
      const first = exchanges.find((exchange) => exchange[side] === serialNumber);
      return first && first.sentAtMs + first.latencyMs;
    },
    latencyMs: (share) => {
      const sorted = exchanges.map(({ latencyMs }) => latencyMs).toSorted((a, b) => a - b);
      return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
    },
    serverEnvoy,
    clientEnvoy,
    serverPort,
    stop: async () => {
      stopping.abort();
      await sending;
      agent.destroy();
      await Promise.all([serverEnvoy.stop(), clientEnvoy.stop()]);
    },
  };
}

/**
 * One request to the listener of the client's Envoy. Never rejects.
 *
 * @param agent false: over a connection of its own.
 */
export function sendOverMesh(port: number, agent: Agent | false): Promise<Exchange> {
  const sentAtMs = Date.now();
  const startMs = performance.now();
  const took = () => performance.now() - startMs;
  return new Promise((resolve) => {
    const request = get({ host: '127.0.0.1', port, agent, timeout: 5_000 }, (response) => {
      const { statusCode, headers } = response;
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => {
        resolve({
          sentAtMs,
          latencyMs: took(),
          ...(statusCode !== 200 && {
            failure: `${statusCode} ${body.slice(0, 300)}`,
            upstreamFailure: String(headers['x-upstream-failure']),
          }),
          serverSerial: readSerial(headers['x-server-certificate']),
          clientSerial: upper(headers['x-client-serial']),
        });
      });
      response.on('error', (error) => resolve({ sentAtMs, latencyMs: took(), failure: error.message }));
    });
    request.on('timeout', () => request.destroy(new Error('no answer within 5 s')));
    request.on('error', (error) => resolve({ sentAtMs, latencyMs: took(), failure: error.message }));
  });
}

const serials = new Map<string, string>();

/** @param urlEncodedPem as Envoy writes it. */
function readSerial(urlEncodedPem: string | string[] | undefined): string | undefined {
  if (typeof urlEncodedPem !== 'string' || urlEncodedPem === '-') return undefined;
  const serial = serials.get(urlEncodedPem) ?? new X509Certificate(decodeURIComponent(urlEncodedPem)).serialNumber;
  serials.set(urlEncodedPem, serial);
  return serial;
}

function upper(text: string | string[] | undefined): string | undefined {
  return typeof text === 'string' && text !== '-' ? text.toUpperCase() : undefined;
}
