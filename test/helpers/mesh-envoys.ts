import { join } from 'node:path';

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

const TYPE = 'type.googleapis.com/envoy.extensions';

/**
 * An Envoy that answers 200 on its listener `mtls` to the peer alone, by TLS 1.3 alone. It tells the serial number of the
 * caller's certificate in `x-client-serial`.
 *
 * @param port of the listener; default: a free one.
 */
export function describeServer(self: MeshService, peer: MeshService, port = 0): object {
  const transport = describeTls('DownstreamTlsContext', self, peer, { require_client_certificate: true });
  const routes = [{ match: { prefix: '/' }, direct_response: { status: 200, body: { inline_string: 'hello' } } }];
  const shown = describeHeader('x-client-serial', '%DOWNSTREAM_PEER_SERIAL%');
  return describeEnvoy(
    'server',
    describeListener({ name: 'mtls', port, routes, headers: [shown], transport }),
    findSecrets(self).clusters,
  );
}

/**
 * An Envoy that hands each request to its listener `plain` over to the peer, over a new connection without resumption of
 * a session. It tells the peer's certificate (URL-encoded PEM) in `x-server-certificate`, and why a connection failed in
 * `x-upstream-failure`.
 *
 * @param port of the peer's listener.
 * @param ownPort of the listener; default: a free one.
 */
export function describeClient(self: MeshService, peer: MeshService, port: number, ownPort = 0): object {
  const headers = [
    describeHeader('x-server-certificate', '%UPSTREAM_PEER_CERT%'),
    describeHeader('x-upstream-failure', '%RESPONSE_FLAGS% %UPSTREAM_TRANSPORT_FAILURE_REASON%'),
  ];
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
  const listener = describeListener({ name: 'plain', port: ownPort, routes, headers });
  return describeEnvoy('client', listener, [cluster, ...findSecrets(self).clusters]);
}

function describeEnvoy(id: string, listener: object, clusters: readonly object[]) {
  return { node: { id, cluster: id }, static_resources: { listeners: [listener], clusters } };
}

interface ListenerShape {
  readonly name: string;
  readonly port: number;
  readonly routes: readonly object[];
  /** Of responses. */
  readonly headers: readonly object[];
  readonly transport?: object;
}

function describeListener({ name, port, routes, headers, transport }: ListenerShape) {
  const manager = {
    '@type': `${TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: name,
    route_config: { virtual_hosts: [{ name: 'all', domains: ['*'], routes, response_headers_to_add: headers }] },
    http_filters: [{ name: 'router', typed_config: { '@type': `${TYPE}.filters.http.router.v3.Router` } }],
  };
  return {
    name,
    stat_prefix: name,
    address: describeAddress(port),
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
