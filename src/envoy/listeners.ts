import { APP, APP_TLS, nameOutbound } from './clusters.ts';
import { pass, passTcp } from './filters.ts';
import { note } from './note.ts';
import type { Address, Outbound, Plan } from './plan.ts';
import { describeDownstreamTls, MESH_ALPN } from './tls-contexts.ts';
import { typed } from './typed.ts';

/** Where others connect to, and where the application connects to. */
export function describeListeners(plan: Plan): object[] {
  return [describeInbound(plan), ...plan.outbounds.map(describeOutbound)];
}

function describeInbound(plan: Plan): object {
  const { mode, inbound, app } = plan;
  const named = { name: 'inbound', address: describeAddress(inbound) };
  return mode === 'STRICT'
    ? note(`In to the application at ${show(app)}: mutual TLS and nothing else.`, {
        ...named,
        filter_chains: [{ name: 'mesh', ...describeMesh(plan) }],
      })
    : note(
        `In to the application at ${show(app)}: mutual TLS of the mesh, TLS of the application's own, and plaintext.
Everybody can come in until the mode is STRICT.`,
        { ...named, ...tellApart(plan), filter_chains: [describeMeshAmongOthers(plan), ...describeOthers(plan)] },
      );
}

/** Mutual TLS, checked against who may call. */
function describeMesh(plan: Plan): object {
  return {
    transport_socket: describeDownstreamTls(plan),
    filters: [pass(plan.app, { name: 'inbound', cluster: APP, caller: 'told' })],
  };
}

function tellApart({ app }: Plan): object {
  const inspector = note('Looks into the first bytes of a connection.', {
    name: 'envoy.filters.listener.tls_inspector',
    typed_config: typed('filters.listener.tls_inspector.v3.TlsInspector'),
  });
  // Where servers speak first, the caller of plaintext sends nothing to look into.
  const limit = { listener_filters_timeout: '1s', continue_on_listener_filters_timeout: true };
  return { listener_filters: [inspector], ...(app.protocol === 'tcp' && limit) };
}

function describeMeshAmongOthers(plan: Plan): object {
  return note(`Mutual TLS of the mesh: its proxies offer the protocol "${MESH_ALPN}" (ALPN).`, {
    name: 'mesh',
    filter_chain_match: { transport_protocol: 'tls', application_protocols: [MESH_ALPN] },
    ...describeMesh(plan),
  });
}

function describeOthers({ app }: Plan): object[] {
  return [
    note("Any other TLS is the application's own. It passes as it is; nobody is checked here.", {
      name: 'own_tls',
      filter_chain_match: { transport_protocol: 'tls' },
      filters: [passTcp({ name: 'inbound_tls', cluster: APP_TLS })],
    }),
    note('Plaintext. Nobody is checked.', {
      name: 'plaintext',
      filter_chain_match: { transport_protocol: 'raw_buffer' },
      filters: [pass(app, { name: 'inbound_plaintext', cluster: APP, caller: 'unknown' })],
    }),
  ];
}

function describeOutbound(outbound: Outbound): object {
  const { name, target, localPort, spiffeId } = outbound;
  const local = { host: '127.0.0.1', port: localPort };
  const cluster = nameOutbound(outbound);
  return note(
    `Out to ${name}: plaintext from the application at ${show(local)}, mutual TLS to ${show(target)},
which has to prove that it is ${spiffeId}.`,
    {
      name: cluster,
      address: describeAddress(local),
      filter_chains: [{ filters: [pass(target, { name: cluster, cluster, caller: 'unknown' })] }],
    },
  );
}

export function describeAddress({ host, port }: Address): object {
  return { socket_address: { address: host, port_value: port } };
}

/** @returns `127.0.0.1:8080` or `[::1]:8080` */
function show({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
