import { X509Certificate } from 'node:crypto';
import { Agent, get } from 'node:http';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type RunningEnvoy, startEnvoy } from './envoy.ts';

/** One service of the mesh: its SPIFFE ID, and where its Envoy finds its identity. */
export interface MeshService {
  readonly spiffeId: string;
  /** The folder that its agent delivers to, or the configuration of Envoy's secrets. */
  readonly identity: string | EnvoySecrets;
}

export interface EnvoySecrets {
  /** Two `SdsSecretConfig`: of the certificate, and of what peers are verified against. */
  readonly certificate: object;
  readonly trustBundle: object;
  /** Of the server of secrets. */
  readonly clusters: readonly object[];
}

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
      const exchange = await send(port, agent);
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

function send(port: number, agent: Agent): Promise<Exchange> {
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
          ...(statusCode !== 200 && { failure: `${statusCode} ${body.slice(0, 300)}` }),
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

const TYPE = 'type.googleapis.com/envoy.extensions';

function describeServer(self: MeshService, peer: MeshService) {
  const transport = describeTls('DownstreamTlsContext', self, peer, { require_client_certificate: true });
  const routes = [{ match: { prefix: '/' }, direct_response: { status: 200, body: { inline_string: 'hello' } } }];
  const shown = describeHeader('x-client-serial', '%DOWNSTREAM_PEER_SERIAL%');
  return describeEnvoy('server', describeListener('mtls', routes, [shown], transport), findSecrets(self).clusters);
}

function describeClient(self: MeshService, peer: MeshService, port: number) {
  const shown = describeHeader('x-server-certificate', '%UPSTREAM_PEER_CERT%');
  const routes = [{ match: { prefix: '/' }, route: { cluster: 'server' } }];
  const cluster = {
    name: 'server',
    type: 'STATIC',
    connect_timeout: '5s',
    load_assignment: {
      cluster_name: 'server',
      endpoints: [{ lb_endpoints: [{ endpoint: { address: describeAddress(port) } }] }],
    },
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': `${TYPE}.upstreams.http.v3.HttpProtocolOptions`,
        common_http_protocol_options: { max_requests_per_connection: 1 },
        explicit_http_config: { http_protocol_options: {} },
      },
    },
    transport_socket: describeTls('UpstreamTlsContext', self, peer, { max_session_keys: 0 }),
  };
  return describeEnvoy('client', describeListener('plain', routes, [shown]), [cluster, ...findSecrets(self).clusters]);
}

function describeEnvoy(id: string, listener: object, clusters: readonly object[]) {
  return { node: { id, cluster: id }, static_resources: { listeners: [listener], clusters } };
}

function describeListener(name: string, routes: readonly object[], headers: readonly object[], transport?: object) {
  const manager = {
    '@type': `${TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: name,
    route_config: { virtual_hosts: [{ name: 'all', domains: ['*'], routes, response_headers_to_add: headers }] },
    http_filters: [{ name: 'router', typed_config: { '@type': `${TYPE}.filters.http.router.v3.Router` } }],
  };
  return {
    name,
    address: describeAddress(0),
    filter_chains: [
      {
        filters: [{ name: 'http', typed_config: manager }],
        ...(transport !== undefined && { transport_socket: transport }),
      },
    ],
  };
}

function findSecrets({ identity }: MeshService): EnvoySecrets {
  return typeof identity === 'string' ? describeFiles(identity) : identity;
}

/** Secrets from the files beside which the agent says what to watch. */
function describeFiles(directory: string): EnvoySecrets {
  const secret = (name: string, file: string) => ({
    name,
    sds_config: { path_config_source: { path: join(directory, file), watched_directory: { path: directory } } },
  });
  return {
    certificate: secret('default', 'tls_certificate_sds.yaml'),
    trustBundle: secret('ROOTCA', 'validation_context_sds.yaml'),
    clusters: [],
  };
}

function describeTls(context: string, self: MeshService, peer: MeshService, more: object) {
  const { certificate, trustBundle } = findSecrets(self);
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': `${TYPE}.transport_sockets.tls.v3.${context}`,
      ...more,
      common_tls_context: {
        tls_params: { tls_minimum_protocol_version: 'TLSv1_3', tls_maximum_protocol_version: 'TLSv1_3' },
        tls_certificate_sds_secret_configs: [certificate],
        combined_validation_context: {
          default_validation_context: {
            match_typed_subject_alt_names: [{ san_type: 'URI', matcher: { exact: peer.spiffeId } }],
          },
          validation_context_sds_secret_config: trustBundle,
        },
      },
    },
  };
}

function describeHeader(key: string, value: string) {
  return { header: { key, value }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' };
}

function describeAddress(port: number) {
  return { socket_address: { address: '127.0.0.1', port_value: port } };
}
