import type { EnvoySecrets } from './mesh-envoys.ts';

export interface SdsShapeOptions {
  /** Path of the agent's socket: all that is not as in the original. */
  readonly socket: string;
  readonly spiffeId: string;
}

/**
 * As SPIRE documents it for Envoy: secrets by SPIFFE ID and trust domain, a cluster `spire_agent` with the option for
 * HTTP/2 where it used to be.
 */
export function describeSpireSecrets({ socket, spiffeId }: SdsShapeOptions): EnvoySecrets {
  const secret = (name: string) => ({
    name,
    sds_config: {
      resource_api_version: 'V3',
      api_config_source: {
        api_type: 'GRPC',
        transport_api_version: 'V3',
        grpc_services: { envoy_grpc: { cluster_name: 'spire_agent' } },
      },
    },
  });
  const cluster = {
    name: 'spire_agent',
    connect_timeout: '0.25s',
    http2_protocol_options: {},
    load_assignment: describePipe('spire_agent', socket),
  };
  return {
    certificate: secret(spiffeId),
    trustBundle: secret(`spiffe://${new URL(spiffeId).host}`),
    clusters: [cluster],
  };
}

/** As Istio's agent sets Envoys up: `default` and `ROOTCA`, waited for without limit, the node told once. */
export function describeIstioSecrets({ socket }: SdsShapeOptions, apiType = 'GRPC'): EnvoySecrets {
  const secret = (name: string) => ({
    name,
    sds_config: {
      api_config_source: {
        api_type: apiType,
        transport_api_version: 'V3',
        set_node_on_first_message_only: true,
        grpc_services: [{ envoy_grpc: { cluster_name: 'sds-grpc' } }],
      },
      initial_fetch_timeout: '0s',
      resource_api_version: 'V3',
    },
  });
  const cluster = {
    name: 'sds-grpc',
    type: 'STATIC',
    connect_timeout: '1s',
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
    load_assignment: describePipe('sds-grpc', socket),
  };
  return { certificate: secret('default'), trustBundle: secret('ROOTCA'), clusters: [cluster] };
}

/** The same by the incremental variant of the protocol. */
export function describeDeltaSecrets(options: SdsShapeOptions): EnvoySecrets {
  return describeIstioSecrets(options, 'DELTA_GRPC');
}

function describePipe(name: string, path: string) {
  return { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address: { pipe: { path } } } }] }] };
}
