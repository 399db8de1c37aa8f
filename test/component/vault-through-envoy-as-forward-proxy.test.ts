import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { makePrivateKey } from '../../src/identity/key-pair.ts';
import { derToPem } from '../../src/identity/pem.ts';
import { openBothVaultClients } from '../helpers/both-vault-clients.ts';
import { startEnvoy } from '../helpers/envoy.ts';
import { configureKongVaultPki } from '../helpers/kong-vault-pki.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { inForce, TestCa } from '../helpers/test-ca.ts';
import { startVault, startVaultTls } from '../helpers/vault.ts';

const directory = temporaryDirectory(t);
const write = (name: string, text: string) => {
  const path = join(directory, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
};
const clientCa = await TestCa.makeRoot('clients', inForce());
const clientKey = await makePrivateKey('ec-p256');
const CLIENT = {
  VAULT_CLIENT_CERT: write('cert.pem', derToPem('CERTIFICATE', await clientCa.signLeaf(clientKey, inForce()))),
  VAULT_CLIENT_KEY: write('key.pem', clientKey.export({ format: 'pem', type: 'pkcs8' }).toString()),
};
const [vault, plain] = await Promise.all([
  startVaultTls({ directory: join(directory, 'tls'), clientCaFile: write('ca.pem', clientCa.certificatePem) }),
  startVault({ directory: join(directory, 'plain') }),
]);
t.teardown(() => Promise.all([vault.stop(), plain.stop()]));
const role = { key_type: 'ec', key_bits: '256' };
const { mount } = await configureKongVaultPki(vault, { mesh: 'default', role });
await configureKongVaultPki(plain, { mesh: 'default', role });
const both = await openBothVaultClients(directory, mount);

const HCM = 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const ROUTER = 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router';

/** By the names that the proxy is asked for, where they are. */
function forwardProxy(addresses: Readonly<Record<string, string>>): object {
  const names = Object.keys(addresses);
  const connect = { upgrade_type: 'CONNECT', connect_config: {} };
  const routeConfig = {
    virtual_hosts: names.map((name) => ({
      name,
      domains: [`${name}:8200`],
      routes: [
        { match: { connect_matcher: {} }, route: { cluster: name, upgrade_configs: [connect] } },
        { match: { prefix: '/' }, route: { cluster: name } },
      ],
    })),
  };
  const manager = {
    '@type': HCM,
    stat_prefix: 'proxy',
    upgrade_configs: [{ upgrade_type: 'CONNECT' }],
    route_config: routeConfig,
    http_filters: [{ name: 'router', typed_config: { '@type': ROUTER } }],
  };
  const clusters = names.map((name) => {
    const port_value = Number(new URL(addresses[name] ?? '').port);
    const endpoint = { address: { socket_address: { address: '127.0.0.1', port_value } } };
    const load_assignment = { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint }] }] };
    return { name, load_assignment };
  });
  const address = { socket_address: { address: '127.0.0.1', port_value: 0 } };
  const filter_chains = [{ filters: [{ name: 'http', typed_config: manager }] }];
  return { static_resources: { listeners: [{ name: 'proxy', address, filter_chains }], clusters } };
}

t.test('a proxy that others made passes on what we say, as it does what vault says', async (t) => {
  const addresses = {
    'tls.test': vault.address,
    'mutual.test': vault.mutualAddress ?? '',
    'plain.test': plain.address,
  };
  const envoy = await startEnvoy({ directory: join(directory, 'envoy'), config: forwardProxy(addresses) });
  t.teardown(() => envoy.stop());
  const proxy = `http://127.0.0.1:${await envoy.listenerPort('proxy')}`;
  const tls = {
    VAULT_TOKEN: vault.rootToken,
    VAULT_CACERT: vault.caFile,
    VAULT_TLS_SERVER_NAME: 'localhost',
    HTTPS_PROXY: proxy,
  };
  for (const [name, environment, isSigned] of [
    ['through a tunnel', { ...tls, VAULT_ADDR: 'https://tls.test:8200' }, true],
    ['with a client certificate', { ...tls, ...CLIENT, VAULT_ADDR: 'https://mutual.test:8200' }, true],
    ['without the one that is demanded', { ...tls, VAULT_ADDR: 'https://mutual.test:8200' }, false],
    ['by a name that it does not know', { ...tls, VAULT_ADDR: 'https://other.test:8200' }, false],
    ['without TLS', { VAULT_ADDR: 'http://plain.test:8200', VAULT_TOKEN: plain.rootToken, HTTP_PROXY: proxy }, true],
  ] as const) {
    const [official, ours] = await Promise.all([both.official(environment), both.ours(environment)]);
    t.equal(official.isSigned, isSigned, `${name}: vault: ${official.text}`);
    t.equal(ours.isSigned, isSigned, `${name}: ours: ${ours.text}`);
  }
  const refused = await both.ours({ ...tls, VAULT_ADDR: 'https://mutual.test:8200' });
  t.match(refused.error, { code: 'ERR_CA_TLS', message: /demands a client certificate/ });
  const unknown = await both.ours({ ...tls, VAULT_ADDR: 'https://other.test:8200' });
  t.match(unknown.error, { code: 'ERR_CA_UNREACHABLE', message: /the proxy .* answered 404 for Vault at/ });

  await vault.stop();
  const stopped = await both.ours({ ...tls, VAULT_ADDR: 'https://tls.test:8200' });
  t.match(stopped.error, { code: 'ERR_CA_UNREACHABLE', message: /answered 503 .*: it cannot reach Vault/ });
});
