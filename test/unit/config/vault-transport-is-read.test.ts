import t from 'tap';
import type { LoadInput } from '../../../src/config/load.ts';
import { ADDRESS, loadText, meshWithVault, TOKEN } from './load-text.ts';

function load(environment: LoadInput['environment'], ...fromCp: string[]) {
  const { config, lines } = loadText(meshWithVault(...(fromCp.length > 0 ? fromCp : [ADDRESS, TOKEN])), {
    environment,
  });
  const issuer = config?.backend?.issuer;
  return {
    requestTimeoutMs: config?.backend?.requestTimeoutMs,
    transport: issuer?.kind === 'vault' ? issuer.transport : undefined,
    lines,
  };
}

const proxyOf = (environment: LoadInput['environment'], ...fromCp: string[]) =>
  load(environment, ...fromCp).transport?.proxy;

t.test('an environment that says nothing leaves nothing', async (t) => {
  const { transport, requestTimeoutMs, lines } = load({ NO_PROXY: '*', VAULT_FORMAT: 'json', VAULT_CLI_NO_COLOR: '1' });
  t.same({ transport, requestTimeoutMs, lines }, { transport: undefined, requestTimeoutMs: 10_000, lines: [] });
});

t.test('a proxy of its own goes before those of everybody, and has no exceptions', async (t) => {
  const all = {
    HTTPS_PROXY: 'http://all',
    NO_PROXY: 'a',
    VAULT_HTTP_PROXY: 'http://old/',
    VAULT_PROXY_ADDR: 'https://new',
  };
  t.same(proxyOf(all), { address: 'https://new', variable: 'VAULT_PROXY_ADDR' });
  t.same(proxyOf({ ...all, VAULT_PROXY_ADDR: '' }), { address: 'http://old', variable: 'VAULT_HTTP_PROXY' });
  const { VAULT_PROXY_ADDR: _, VAULT_HTTP_PROXY: __, ...general } = all;
  t.same(proxyOf(general), { address: 'http://all', variable: 'HTTPS_PROXY', exceptions: 'a' });
});

t.test('the proxies of everybody go by the scheme of the address that is asked', async (t) => {
  const all = { HTTPS_PROXY: 'http://s:1', http_proxy: 'p:2', no_proxy: 'x' };
  const http = ['address: http://127.0.0.1:8200', TOKEN];
  const viaAgent = [ADDRESS, TOKEN, 'agentAddress: http://127.0.0.1:8100'];
  t.same(proxyOf(all), { address: 'http://s:1', variable: 'HTTPS_PROXY', exceptions: 'x' });
  t.same(proxyOf(all, ...http), { address: 'http://p:2', variable: 'http_proxy', exceptions: 'x' });
  t.match(proxyOf(all, ...viaAgent), { address: 'http://p:2' });
  t.match(proxyOf({ ...all, NO_PROXY: 'y' }), { exceptions: 'y' }, 'capitals go before');
});

t.test('a socket is asked through no proxy', async (t) => {
  const socket = [ADDRESS, 'agentAddress: unix:///run/vault/agent.sock'];
  t.same(load({ VAULT_PROXY_ADDR: 'http://proxy', HTTP_PROXY: 'http://proxy' }, ...socket), {
    transport: undefined,
    requestTimeoutMs: 10_000,
    lines: [],
  });
});

t.test('user and password are taken apart, and shown nowhere', async (t) => {
  const { transport, lines } = load({ VAULT_PROXY_ADDR: 'http://mesh:can%40ary@proxy.test:3128' });
  t.same(lines, []);
  t.same(transport?.proxy, {
    address: 'http://proxy.test:3128',
    authorization: `Basic ${Buffer.from('mesh:can@ary').toString('base64')}`,
    variable: 'VAULT_PROXY_ADDR',
  });
});

t.test('a proxy that cannot be one is a mistake, and does not say its password', async (t) => {
  for (const name of ['VAULT_PROXY_ADDR', 'VAULT_HTTP_PROXY']) {
    for (const value of [
      'proxy:3128',
      'socks5://canary@proxy',
      'http://',
      'http:///x',
      'http://a:canary%zz@proxy',
      ' ',
    ]) {
      const { transport, lines } = load({ [name]: value });
      t.equal(transport, undefined);
      const hint = 'write it like http://proxy.example:3128';
      t.same(lines, [`environment: ${name}: expected http:// or https:// and a host, SOCKS is not supported; ${hint}`]);
    }
  }
});

t.test('one for everybody is warned of, as whoever set it may have had others in mind', async (t) => {
  const warned = load({ HTTPS_PROXY: 'socks5://user:canary@proxy' });
  t.equal(warned.requestTimeoutMs, 10_000, 'it loads');
  t.match(warned.lines, [/^environment: warning: HTTPS_PROXY: not used: expected http:\/\/ or https:\/\//]);
  t.notMatch(warned.lines.join(), 'canary');
  t.same(load({ HTTP_PROXY: 'socks5://proxy' }).lines, [], 'another scheme');
  const loopback = ['address: http://127.0.0.1:8200', TOKEN];
  t.same(load({ HTTP_PROXY: 'socks5://proxy' }, ...loopback).lines, [], 'this machine is asked directly anyway');
});

t.test('the limit of Vault is taken where the Mesh has none', async (t) => {
  for (const [value, ms] of [
    ['90', 90_000],
    ['1m30s', 90_000],
    ['1.5h', 5_400_000],
    ['2d', 172_800_000],
    ['500ms', 500],
    ['0', 10_000],
    ['0s', 10_000],
    ['', 10_000],
  ] as const) {
    t.equal(load({ VAULT_CLIENT_TIMEOUT: value }).requestTimeoutMs, ms, value);
  }
  const written = meshWithVault(ADDRESS, TOKEN).replace('    conf:', '    dpCert: {requestTimeout: 3s}\n    conf:');
  t.equal(loadText(written, { environment: { VAULT_CLIENT_TIMEOUT: '90' } }).config?.backend?.requestTimeoutMs, 3_000);
});

t.test('the others', async (t) => {
  const environment = { VAULT_MAX_RETRIES: '02', VAULT_DISABLE_REDIRECTS: 'T', VAULT_HEADERS: '{"X-Gateway": "a b"}' };
  const { transport, lines } = load(environment);
  t.match(transport, { maxRetries: 2, ignoresRedirects: true, headers: { 'X-Gateway': 'a b' } });
  t.same(lines, []);
});

t.test('every mistake is told at once, and no header is shown', async (t) => {
  const { lines } = load({
    VAULT_PROXY_ADDR: 'proxy',
    VAULT_CLIENT_TIMEOUT: '-5s',
    VAULT_MAX_RETRIES: 'many',
    VAULT_DISABLE_REDIRECTS: 'no',
    VAULT_HEADERS: '{"X-A": "canary\\n"}',
    VAULT_SKIP_VERIFY: 'no',
  });
  t.same(lines.map((line) => line.replace(/; .*/, '')).sort(), [
    'environment: VAULT_CLIENT_TIMEOUT: expected a duration of at least 1ms, got "-5s"',
    'environment: VAULT_DISABLE_REDIRECTS: expected true or false, got "no"',
    'environment: VAULT_HEADERS: expected text on one line as the value of "X-A"',
    'environment: VAULT_MAX_RETRIES: expected a whole number, got "many"',
    'environment: VAULT_PROXY_ADDR: expected http:// or https:// and a host, SOCKS is not supported',
    'environment: VAULT_SKIP_VERIFY: expected true or false, got "no"',
  ]);
  for (const name of ['x-vault-token', 'Host', 'content-length', 'Proxy-Authorization', 'a b', '']) {
    const value = JSON.stringify({ [name]: 'canary' });
    t.match(load({ VAULT_HEADERS: value }).lines, [/^environment: VAULT_HEADERS: /], name);
  }
  for (const value of ['canary', '[]', '"canary"', 'null']) {
    t.match(load({ VAULT_HEADERS: value }).lines, [/^environment: VAULT_HEADERS: expected a JSON object of headers/]);
    t.notMatch(load({ VAULT_HEADERS: value }).lines.join(), 'canary');
  }
});

t.test('what an agent cannot do is warned of', async (t) => {
  for (const [name, value] of [
    ['VAULT_WRAP_TTL', '5m'],
    ['VAULT_MFA', 'method:canary'],
    ['VAULT_RATE_LIMIT', '10:20'],
    ['VAULT_SRV_LOOKUP', 'true'],
  ] as const) {
    const { lines, requestTimeoutMs } = load({ [name]: value }, 'address: https://vault.example', TOKEN);
    t.equal(requestTimeoutMs, 10_000);
    t.match(lines, [new RegExp(`^environment: warning: ${name}: not used: `)]);
    t.notMatch(lines.join(), 'canary');
  }
  t.same(load({ VAULT_SRV_LOOKUP: 'true' }).lines, [], 'with a port, nothing would be looked up');
  t.same(load({ VAULT_SRV_LOOKUP: 'false' }, 'address: https://vault.example', TOKEN).lines, []);
  t.match(load({ VAULT_SRV_LOOKUP: 'maybe' }).lines, [/^environment: VAULT_SRV_LOOKUP: expected true or false/]);
});
