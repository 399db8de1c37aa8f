import t, { type Test } from 'tap';
import { parse } from 'yaml';
import { describeBootstrap } from '../../../src/envoy/bootstrap.ts';
import { planEnvoy } from '../../../src/envoy/plan.ts';
import { renderYaml } from '../../../src/envoy/render-yaml.ts';
import { type EnvoyVariant, listEnvoyVariants } from '../../helpers/envoy-variants.ts';

const MATCHERS = {
  everybody: { prefix: 'spiffe://default/' },
  exact: { exact: 'spiffe://default/frontend' },
  prefix: { prefix: 'spiffe://default/batch/' },
};
const PASS = { http: 'HttpConnectionManager', tcp: 'TcpProxy' };
const TLS = { tls_minimum_protocol_version: 'TLSv1_2', tls_maximum_protocol_version: 'TLSv1_3' };

// biome-ignore lint/suspicious/noExplicitAny: Envoy's own shape, which is what is checked.
type Any = any;

const variants = listEnvoyVariants('/srv');
t.equal(variants.length, 48);
for (const variant of variants) {
  t.test(variant.name, async (t) => {
    const text = renderYaml(describeBootstrap(planEnvoy(variant.config, variant.options)));
    const bootstrap = parse(text, { merge: true });
    t.match(bootstrap, { node: { id: 'web', cluster: 'web' }, admin: undefined });
    const { listeners, clusters } = bootstrap.static_resources;
    const [inbound, ...ways] = listeners;
    t.match(inbound, {
      name: 'inbound',
      address: { socket_address: { address: '0.0.0.0', port_value: 10_443 } },
    });
    checkChains(t, variant, inbound);
    t.same(
      ways.map((way: Any) => [way.name, way.address.socket_address.address, way.address.socket_address.port_value]),
      variant.outbounds
        ? [
            ['outbound_backend', '127.0.0.1', 15_001],
            ['outbound_db', '127.0.0.1', 5432],
            ['outbound_orders', '127.0.0.1', 15_003],
          ]
        : [],
    );
    checkClusters(t, variant, clusters);
    const said = text.includes('every identity of the trust domain default');
    t.equal(said, variant.callers === 'everybody', 'says when everybody of the trust domain may call');
  });
}

function checkChains(t: Test, { mode, protocol, callers, secrets }: EnvoyVariant, inbound: Any): void {
  const [mesh, ...others] = inbound.filter_chains;
  const { typed_config: context } = mesh.transport_socket;
  t.match(context, { '@type': /DownstreamTlsContext$/, require_client_certificate: true });
  t.match(context.common_tls_context, {
    tls_params: TLS,
    alpn_protocols: protocol === 'http' ? ['h2', 'http/1.1'] : ['meshcert'],
  });
  checkSecrets(t, secrets, context.common_tls_context, { san_type: 'URI', matcher: MATCHERS[callers] });
  const last = (chain: Any) => chain.filters.at(-1).typed_config;
  t.match(last(mesh), { '@type': new RegExp(`${PASS[protocol]}$`), stat_prefix: 'inbound' });
  t.equal(last(mesh).forward_client_cert_details, protocol === 'http' ? 'SANITIZE_SET' : undefined);

  if (mode === 'STRICT') {
    t.same(others, [], 'nothing but mutual TLS');
    t.notOk(mesh.filter_chain_match);
    t.notOk(inbound.listener_filters);
    return;
  }
  t.match(inbound.listener_filters, [{ name: 'envoy.filters.listener.tls_inspector' }]);
  t.equal(inbound.continue_on_listener_filters_timeout ?? false, protocol === 'tcp', 'servers that speak first');
  t.same(mesh.filter_chain_match, { transport_protocol: 'tls', application_protocols: ['meshcert'] });
  const [tls, plaintext, ...more] = others;
  t.same(more, []);
  t.same([tls.filter_chain_match, tls.transport_socket], [{ transport_protocol: 'tls' }, undefined]);
  t.match(last(tls), { '@type': /TcpProxy$/, cluster: 'app_tls' });
  t.same([plaintext.filter_chain_match, plaintext.transport_socket], [{ transport_protocol: 'raw_buffer' }, undefined]);
  t.match(last(plaintext), { '@type': new RegExp(`${PASS[protocol]}$`) });
  t.equal(last(plaintext).forward_client_cert_details, protocol === 'http' ? 'SANITIZE' : undefined);
}

function checkClusters(t: Test, { mode, outbounds, secrets }: EnvoyVariant, clusters: Any): void {
  t.same(
    clusters.map(({ name, type }: Any) => `${name} ${type}`),
    [
      'app STATIC',
      ...(mode === 'PERMISSIVE' ? ['app_tls STATIC'] : []),
      ...(outbounds ? ['outbound_backend STATIC', 'outbound_db STRICT_DNS', 'outbound_orders STATIC'] : []),
      ...(secrets === 'sds' ? ['meshcert_sds STATIC'] : []),
    ],
  );
  const ids = { outbound_backend: '/backend', outbound_db: '/db', outbound_orders: '/ns/shop/sa/orders' };
  for (const [name, path] of Object.entries(outbounds ? ids : {})) {
    const { typed_config: context } = clusters.find((one: Any) => one.name === name).transport_socket;
    t.match(context['@type'], /UpstreamTlsContext$/);
    t.match(context.common_tls_context, { tls_params: TLS, alpn_protocols: ['meshcert'] });
    checkSecrets(t, secrets, context.common_tls_context, {
      san_type: 'URI',
      matcher: { exact: `spiffe://default${path}` },
    });
  }
  if (secrets === 'files') return;
  const { load_assignment: load, typed_extension_protocol_options: options } = clusters.at(-1);
  t.same(load.endpoints[0].lb_endpoints[0].endpoint.address, { pipe: { path: '/srv/sds.sock' } });
  t.same(Object.values<Any>(options)[0].explicit_http_config, { http2_protocol_options: {} });
}

function checkSecrets(t: Test, secrets: EnvoyVariant['secrets'], context: Any, matcher: object): void {
  const { default_validation_context: own, validation_context_sds_secret_config: root } =
    context.combined_validation_context;
  t.same(own, { match_typed_subject_alt_names: [matcher] });
  const [leaf, ...more] = context.tls_certificate_sds_secret_configs;
  t.same(more, []);
  t.same([leaf.name, root.name], ['default', 'ROOTCA']);
  if (secrets === 'sds') {
    const source = { api_type: 'GRPC', grpc_services: [{ envoy_grpc: { cluster_name: 'meshcert_sds' } }] };
    for (const { sds_config: config } of [leaf, root]) {
      t.match(config, { resource_api_version: 'V3', initial_fetch_timeout: '0s', api_config_source: source });
    }
    return;
  }
  const file = (name: string) => ({ path: `/srv/identity/${name}`, watched_directory: { path: '/srv/identity' } });
  t.same(leaf.sds_config, { path_config_source: file('tls_certificate_sds.yaml') });
  t.same(root.sds_config, { path_config_source: file('validation_context_sds.yaml') });
}
