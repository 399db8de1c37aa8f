import type { SpiffeId } from '../identity/spiffe-id.ts';
import { describeCallers } from './callers.ts';
import { note } from './note.ts';
import type { Plan, SecretSource } from './plan.ts';
import { typed } from './typed.ts';

/**
 * Offered in the TLS handshake (ALPN, RFC 7301) by proxies of the mesh, so that a listener in mode PERMISSIVE tells their
 * TLS from that of an application, before it chooses a certificate.
 */
export const MESH_ALPN = 'meshcert';

/** The cluster with the agent's SDS socket. */
export const SDS_CLUSTER = 'meshcert_sds';

/** For the listener that others connect to. */
export function describeDownstreamTls(plan: Plan): object {
  // With a protocol of our own Envoy would not find HTTP/2 in it; when no name is common to both, it looks at the bytes.
  const alpn = plan.app.protocol === 'http' ? ['h2', 'http/1.1'] : [MESH_ALPN];
  return describeTls('DownstreamTlsContext', { require_client_certificate: true }, plan, describeCallers(plan), alpn);
}

/** For the connection to a service that is to have this SPIFFE ID. */
export function describeUpstreamTls(plan: Plan, spiffeId: SpiffeId): object {
  const matchers = note('Who is called. The address says nothing about it, the certificate does.', [
    { san_type: 'URI', matcher: { exact: spiffeId.toString() } },
  ]);
  return describeTls('UpstreamTlsContext', {}, plan, matchers, [MESH_ALPN]);
}

function describeTls(context: string, fields: object, { secrets }: Plan, matchers: object, alpn: readonly string[]) {
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: typed(`transport_sockets.tls.v3.${context}`, {
      ...fields,
      common_tls_context: {
        tls_params: note('Said for both sides, as Envoy as a client stops at TLS 1.2 by itself.', {
          tls_minimum_protocol_version: 'TLSv1_2',
          tls_maximum_protocol_version: 'TLSv1_3',
        }),
        alpn_protocols: alpn,
        tls_certificate_sds_secret_configs: [describeSecret('default', secrets)],
        combined_validation_context: {
          default_validation_context: { match_typed_subject_alt_names: matchers },
          validation_context_sds_secret_config: describeSecret('ROOTCA', secrets),
        },
      },
    }),
  };
}

function describeSecret(name: 'default' | 'ROOTCA', source: SecretSource): object {
  if (source.kind === 'files') {
    const { directory, files } = source;
    const path = name === 'default' ? files.certificateSds : files.validationSds;
    return { name, sds_config: { path_config_source: { path, watched_directory: { path: directory } } } };
  }
  return {
    name,
    sds_config: {
      resource_api_version: 'V3',
      initial_fetch_timeout: '0s',
      api_config_source: {
        api_type: 'GRPC',
        transport_api_version: 'V3',
        set_node_on_first_message_only: true,
        grpc_services: [{ envoy_grpc: { cluster_name: SDS_CLUSTER } }],
      },
    },
  };
}
