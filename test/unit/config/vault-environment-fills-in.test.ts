import t from 'tap';
import type { LoadInput } from '../../../src/config/load.ts';
import { ADDRESS, loadText, meshWithVault, TOKEN } from './load-text.ts';

function load(environment: LoadInput['environment'], ...fromCp: string[]) {
  const { config, lines } = loadText(meshWithVault(...fromCp), { environment });
  return { issuer: config?.backend?.issuer, lines };
}

const EVERYTHING = {
  VAULT_ADDR: 'https://vault.env:8200',
  VAULT_NAMESPACE: 'env/',
  VAULT_CACERT: 'env-ca.pem',
  VAULT_CLIENT_CERT: '/env/cert.pem',
  VAULT_CLIENT_KEY: '/env/key.pem',
  VAULT_TLS_SERVER_NAME: 'env.internal',
  VAULT_TOKEN: 'hvs.env',
};

t.test('all of them, for a Mesh that says nothing but that it is Vault', async (t) => {
  const { issuer, lines } = load(EVERYTHING);
  t.same(lines, []);
  t.match(issuer, {
    address: 'https://vault.env:8200',
    agentAddress: undefined,
    namespace: 'env',
    tls: {
      caCert: { kind: 'file', path: '/srv/env-ca.pem' },
      skipVerify: false,
      serverName: 'env.internal',
      clientCert: { kind: 'file', path: '/env/cert.pem' },
      clientKey: { kind: 'file', path: '/env/key.pem' },
    },
    auth: { method: 'token', token: { kind: 'inline', value: 'hvs.env' } },
  });
});

t.test('what is written wins', async (t) => {
  const environment = { ...EVERYTHING, VAULT_SKIP_VERIFY: 'true', VAULT_AGENT_ADDR: 'http://127.0.0.1:1' };
  const { issuer, lines } = load(
    environment,
    ADDRESS,
    'agentAddress: http://127.0.0.1:2',
    'namespace: team',
    'tls: {caCert: {secret: ca}, skipVerify: false, serverName: own, clientCert: {file: c}, clientKey: {file: k}}',
    'auth: {kubernetes: {role: web}}',
  );
  t.same(lines, []);
  t.match(issuer, {
    address: 'https://vault.example:8200',
    agentAddress: 'http://127.0.0.1:2',
    namespace: 'team',
    tls: {
      caCert: { kind: 'secret', name: 'ca' },
      skipVerify: false,
      serverName: 'own',
      clientCert: { kind: 'file', path: '/srv/c' },
      clientKey: { kind: 'file', path: '/srv/k' },
    },
    auth: { method: 'kubernetes', role: 'web' },
  });
});

t.test('an empty variable counts as unset, as does an empty key', async (t) => {
  const empty = Object.fromEntries(Object.keys(EVERYTHING).map((name) => [name, '']));
  t.match(load(empty, ADDRESS, TOKEN).issuer, { namespace: undefined, tls: { caCert: undefined } });
  t.match(load(EVERYTHING, ADDRESS, 'namespace: ""', 'auth:').issuer, { namespace: 'env', auth: { method: 'token' } });
});

t.test('a Vault Agent without a token needs no login; with VAULT_TOKEN that is sent', async (t) => {
  const environment = { VAULT_AGENT_ADDR: 'unix:///run/vault/agent.sock' };
  t.match(load(environment).issuer, { agentAddress: 'unix:///run/vault/agent.sock', auth: { method: 'agent' } });
  t.match(load({ ...environment, VAULT_TOKEN: 'hvs.env' }).issuer, { auth: { method: 'token' } });
});

t.test('CA certificates: a file, before its content, before a folder', async (t) => {
  const all = { VAULT_CACERT: '/ca.pem', VAULT_CACERT_BYTES: 'PEM', VAULT_CAPATH: 'cas' };
  const caCert = (environment: LoadInput['environment']) => {
    const { issuer } = load(environment, ADDRESS, TOKEN);
    return issuer?.kind === 'vault' ? issuer.tls.caCert : undefined;
  };
  t.same(caCert(all), { kind: 'file', path: '/ca.pem' });
  t.same(caCert({ ...all, VAULT_CACERT: '' }), { kind: 'inline', value: 'PEM' });
  t.same(caCert({ VAULT_CAPATH: 'cas' }), { kind: 'directory', path: '/srv/cas' });
});

t.test('VAULT_SKIP_VERIFY is true or false, and nothing else is taken for either', async (t) => {
  const skips = (value: string) => load({ VAULT_SKIP_VERIFY: value }, ADDRESS, TOKEN);
  for (const value of ['1', 't', 'T', 'true', 'TRUE', 'True']) {
    t.match(skips(value), {
      issuer: { tls: { skipVerify: true } },
      lines: [/^environment: warning: VAULT_SKIP_VERIFY: the certificate of Vault is not checked/],
    });
  }
  for (const value of ['0', 'f', 'F', 'false', 'FALSE', 'False', '']) {
    t.match(skips(value), { issuer: { tls: { skipVerify: false } }, lines: [] });
  }
  for (const value of ['yes', 'no', 'tRUE', ' true', '2']) {
    const { issuer, lines } = skips(value);
    t.equal(issuer, undefined);
    t.same(lines, [`environment: VAULT_SKIP_VERIFY: expected true or false, got ${JSON.stringify(value)}`]);
  }
});

for (const [environment, message] of [
  [{ VAULT_ADDR: 'vault:8200' }, 'environment: VAULT_ADDR: expected http:// or https:// and a host, got "vault:8200"'],
  [{ VAULT_AGENT_ADDR: 'unix:agent' }, 'environment: VAULT_AGENT_ADDR: expected unix:// and an absolute path'],
  [{ VAULT_NAMESPACE: 'a b' }, 'environment: VAULT_NAMESPACE: expected a namespace of Vault, got "a b"'],
  [{ VAULT_CLIENT_CERT: 'a' }, 'fromCp.tls.clientKey: missing: a client certificate and its key belong together'],
] as const) {
  t.test(JSON.stringify(environment), async (t) => {
    const { issuer, lines } = load(environment, ADDRESS, TOKEN);
    t.equal(issuer, undefined);
    t.match(lines.join('\n'), message);
  });
}

t.test('a token of the environment is in no message', async (t) => {
  const { lines } = load({ VAULT_TOKEN: 'hvs.canary', VAULT_ADDR: 'https://me:canary@vault' });
  t.ok(lines.length > 0);
  t.notMatch(lines.join('\n'), 'canary');
});
