import { join } from 'node:path';

/**
 * An Envoy with a listener `mtls` on a free port that answers 200 to `spiffe://default/client`, and takes its identity from
 * the files in the folder `identity`. Without `admin`.
 */
export function fileSdsEnvoy(identity: string): object {
  const sds = (name: string, file: string) => ({
    name,
    sds_config: {
      path_config_source: { path: join(identity, file), watched_directory: { path: identity } },
    },
  });

  return {
    node: { id: 'web', cluster: 'web' },
    static_resources: {
      listeners: [
        {
          name: 'mtls',
          address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
          filter_chains: [
            {
              filters: [
                {
                  name: 'http',
                  typed_config: {
                    '@type':
                      'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
                    stat_prefix: 'in',
                    route_config: {
                      virtual_hosts: [
                        {
                          name: 'all',
                          domains: ['*'],
                          routes: [{ match: { prefix: '/' }, direct_response: { status: 200 } }],
                        },
                      ],
                    },
                    http_filters: [
                      {
                        name: 'router',
                        typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
                      },
                    ],
                  },
                },
              ],
              transport_socket: {
                name: 'envoy.transport_sockets.tls',
                typed_config: {
                  '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
                  require_client_certificate: true,
                  common_tls_context: {
                    tls_certificate_sds_secret_configs: [sds('default', 'tls_certificate_sds.yaml')],
                    combined_validation_context: {
                      default_validation_context: {
                        match_typed_subject_alt_names: [
                          { san_type: 'URI', matcher: { exact: 'spiffe://default/client' } },
                        ],
                      },
                      validation_context_sds_secret_config: sds('ROOTCA', 'validation_context_sds.yaml'),
                    },
                  },
                },
              },
            },
          ],
        },
      ],
    },
  };
}
