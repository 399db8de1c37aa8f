import { isIP } from 'node:net';
import { note } from './note.ts';
import type { Address, Outbound, Plan, Target } from './plan.ts';
import { describeUpstreamTls, SDS_CLUSTER } from './tls-contexts.ts';
import { typed } from './typed.ts';

export const APP = 'app';
/** The application's own TLS. */
export const APP_TLS = 'app_tls';

/** The cluster of a service that is called. */
export function nameOutbound({ name }: Outbound): string {
  return `outbound_${name}`;
}

/** Everything that Envoy connects to. */
export function describeClusters(plan: Plan): object[] {
  const { app, appTls, mode, secrets } = plan;
  const outbounds = plan.outbounds.map((outbound) =>
    note(`Mutual TLS to ${outbound.name}, in the name of ${plan.spiffeId}.`, {
      ...describeCluster(nameOutbound(outbound), outbound.target),
      transport_socket: describeUpstreamTls(plan, outbound.spiffeId),
    }),
  );
  return [
    note('The application.', describeCluster(APP, app)),
    ...(mode === 'PERMISSIVE' ? [describeAppTls(appTls)] : []),
    ...outbounds,
    ...(secrets.kind === 'sds' ? [describeSds(secrets.socket)] : []),
  ];
}

function describeAppTls(address: Address): object {
  return note('The application, for those who speak its own TLS with it.', {
    ...describeCluster(APP_TLS, { ...address, protocol: 'tcp' }),
  });
}

function describeCluster(name: string, { host, port, protocol }: Target): object {
  const fields = isIP(host) > 0 ? { type: 'STATIC' } : { type: 'STRICT_DNS', dns_lookup_family: 'V4_PREFERRED' };
  // HTTP/1.1 stays HTTP/1.1 and HTTP/2 stays HTTP/2 from one end to the other.
  const kept = { use_downstream_protocol_config: { http_protocol_options: {}, http2_protocol_options: {} } };
  return {
    name,
    ...fields,
    ...(protocol === 'http' && describeHttpProtocol(kept)),
    load_assignment: describeEndpoint(name, { socket_address: { address: host, port_value: port } }),
  };
}

function describeSds(socket: string): object {
  return note('The agent: hands out certificate, key and trust bundle (SDS), and each new one at once.', {
    name: SDS_CLUSTER,
    type: 'STATIC',
    ...describeHttpProtocol({ explicit_http_config: { http2_protocol_options: {} } }),
    load_assignment: describeEndpoint(SDS_CLUSTER, { pipe: { path: socket } }),
  });
}

function describeHttpProtocol(fields: object): object {
  const options = 'upstreams.http.v3.HttpProtocolOptions';
  return { typed_extension_protocol_options: { [`envoy.extensions.${options}`]: typed(options, fields) } };
}

function describeEndpoint(cluster: string, address: object): object {
  return { cluster_name: cluster, endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] };
}
