import { note } from './note.ts';
import type { Target } from './plan.ts';
import { typed } from './typed.ts';

export interface Passage {
  /** Begins the names of Envoy's statistics. */
  readonly name: string;
  readonly cluster: string;
  /** Whether the caller's certificate was checked, so that the application can be told whose it is. */
  readonly caller: 'told' | 'unknown';
}

/** The filter that passes on what comes in. */
export function pass({ protocol }: Target, passage: Passage): object {
  return protocol === 'http' ? passHttp(passage) : passTcp(passage);
}

/** Passes bytes on. */
export function passTcp({ name, cluster }: Pick<Passage, 'name' | 'cluster'>): object {
  return {
    name: 'envoy.filters.network.tcp_proxy',
    typed_config: typed('filters.network.tcp_proxy.v3.TcpProxy', { stat_prefix: name, cluster }),
  };
}

/** Passes requests on. */
function passHttp({ name, cluster, caller }: Passage): object {
  const routes = note('The application sets its own time limits.', [
    { match: { prefix: '/' }, route: { cluster, timeout: '0s' } },
  ]);
  return {
    name: 'envoy.filters.network.http_connection_manager',
    typed_config: typed('filters.network.http_connection_manager.v3.HttpConnectionManager', {
      stat_prefix: name,
      ...(caller === 'told' ? tellCaller() : { forward_client_cert_details: 'SANITIZE' }),
      upgrade_configs: [{ upgrade_type: 'websocket' }],
      route_config: { virtual_hosts: [{ name: cluster, domains: ['*'], routes }] },
      http_filters: [{ name: 'envoy.filters.http.router', typed_config: typed('filters.http.router.v3.Router') }],
    }),
  };
}

/** Elsewhere the header is taken away, as anybody could have written it. */
function tellCaller(): object {
  return {
    forward_client_cert_details: 'SANITIZE_SET',
    set_current_client_cert_details: note(
      'Tells the application who calls: x-forwarded-client-cert holds URI=spiffe://..., whatever the caller put there.',
      { uri: true },
    ),
  };
}
