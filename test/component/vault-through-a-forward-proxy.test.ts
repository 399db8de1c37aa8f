import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { openBothVaultClients } from '../helpers/both-vault-clients.ts';
import { eventually } from '../helpers/eventually.ts';
import { type ForwardProxyOptions, openForwardProxy } from '../helpers/forward-proxy.ts';
import { freePort } from '../helpers/free-port.ts';
import { configureKongVaultPki } from '../helpers/kong-vault-pki.ts';
import { makeServerCertificate } from '../helpers/server-certificate.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { startVault, startVaultTls } from '../helpers/vault.ts';

type Environment = Readonly<Record<string, string>>;

const directory = temporaryDirectory(t);
const [vault, plain] = await Promise.all([
  startVaultTls({ directory: join(directory, 'tls') }),
  startVault({ directory: join(directory, 'plain') }),
]);
t.teardown(() => Promise.all([vault.stop(), plain.stop()]));
const role = { key_type: 'ec', key_bits: '256' };
const { mount } = await configureKongVaultPki(vault, { mesh: 'default', role });
await configureKongVaultPki(plain, { mesh: 'default', role });
const [port, plainPort] = [vault, plain].map(({ address }) => Number(new URL(address).port));
if (port === undefined || plainPort === undefined) throw new Error('unreachable');
const both = await openBothVaultClients(directory, mount);
const other = await makeServerCertificate(directory, 'other');

/** Nobody but the proxies knows this name. */
const NAME = 'vault.test';
const TLS: Environment = {
  VAULT_ADDR: `https://${NAME}:8200`,
  VAULT_TOKEN: vault.rootToken,
  VAULT_CACERT: vault.caFile,
  VAULT_TLS_SERVER_NAME: 'localhost',
};
const PLAIN: Environment = { VAULT_ADDR: `http://${NAME}:8200`, VAULT_TOKEN: plain.rootToken };
const LOOPBACK = `127.0.0.1:${port}`;
const PASSWORD = 'canary-p@ss';

async function openProxy(t: Test, options: Partial<ForwardProxyOptions> = {}) {
  const proxy = await openForwardProxy({ hosts: { [`${NAME}:8200`]: port ?? 0, [LOOPBACK]: port ?? 0 }, ...options });
  t.teardown(() => proxy.close());
  return proxy;
}

/** Both clients with the same variables: what each asked of the proxy, and what came of it. */
async function tryBoth(proxy: Awaited<ReturnType<typeof openProxy>>, environment: Environment) {
  const record = async (client: 'official' | 'ours') => {
    const before = proxy.asked.length;
    const tried = await both[client](environment);
    // Our token is looked after when the certificate is there.
    const asked = proxy.asked.slice(before).filter((one) => !one.includes('/auth/token/'));
    return { ...tried, asked: [...new Set(asked)] };
  };
  return { official: await record('official'), ours: await record('ours') };
}

t.test('Vault is asked through a proxy, or past it, as its own client does', async (t) => {
  const proxy = await openProxy(t);
  const gone = `http://127.0.0.1:${await freePort()}`;
  const there = proxy.address;
  const bare = there.replace('http://', '');
  const loopback = { ...TLS, VAULT_ADDR: `https://${LOOPBACK}` };
  const tunnel = [`CONNECT ${NAME}:8200`];
  const cases: readonly (readonly [
    name: string,
    environment: Environment,
    asked: readonly string[],
    isSigned: boolean,
  ])[] = [
    ['VAULT_PROXY_ADDR', { ...TLS, VAULT_PROXY_ADDR: there }, tunnel, true],
    ['its older name', { ...TLS, VAULT_HTTP_PROXY: there }, tunnel, true],
    ['the newer name goes before', { ...TLS, VAULT_PROXY_ADDR: there, VAULT_HTTP_PROXY: gone }, tunnel, true],
    ['an empty one is none', { ...TLS, VAULT_PROXY_ADDR: '', VAULT_HTTP_PROXY: there }, tunnel, true],
    ['NO_PROXY is not for it', { ...TLS, VAULT_PROXY_ADDR: there, NO_PROXY: '*' }, tunnel, true],
    ['nor is it past loopback', { ...loopback, VAULT_PROXY_ADDR: there }, [`CONNECT ${LOOPBACK}`], true],
    ['it goes before HTTPS_PROXY', { ...TLS, VAULT_PROXY_ADDR: there, HTTPS_PROXY: gone }, tunnel, true],
    ['HTTPS_PROXY', { ...TLS, HTTPS_PROXY: there }, tunnel, true],
    ['in small letters, without http://', { ...TLS, https_proxy: bare }, tunnel, true],
    ['capitals go before', { ...TLS, HTTPS_PROXY: there, https_proxy: gone }, tunnel, true],
    ['HTTP_PROXY is not for https', { ...TLS, HTTP_PROXY: there }, [], false],
    ['loopback is asked past it', { ...loopback, HTTPS_PROXY: gone }, [], true],
    ['so is what NO_PROXY lists', { ...TLS, HTTPS_PROXY: there, NO_PROXY: `other, ${NAME}` }, [], false],
    ['by suffix', { ...TLS, HTTPS_PROXY: there, no_proxy: '.test' }, [], false],
    ['by name and port', { ...TLS, HTTPS_PROXY: there, NO_PROXY: `${NAME}:8200` }, [], false],
    [
      'and not what it does not',
      { ...TLS, HTTPS_PROXY: there, NO_PROXY: `${NAME}:8201,.${NAME},ault.test` },
      tunnel,
      true,
    ],
    ['VAULT_PROXY_ADDR that is away', { ...TLS, VAULT_PROXY_ADDR: gone }, [], false],
    ['VAULT_PROXY_ADDR without a scheme', { ...TLS, VAULT_PROXY_ADDR: bare }, [], false],
    ['another CA', { ...TLS, HTTPS_PROXY: there, VAULT_CACERT: other.caFile }, tunnel, false],
    ['another name', { ...TLS, HTTPS_PROXY: there, VAULT_TLS_SERVER_NAME: 'vault.example' }, tunnel, false],
  ];
  for (const [name, environment, asked, isSigned] of cases) {
    const { official, ours } = await tryBoth(proxy, environment);
    t.match(official, { asked, isSigned }, `${name}: vault: ${official.text}`);
    t.match(ours, { asked, isSigned }, `${name}: ours: ${ours.text}`);
  }
});

t.test('without TLS the proxy is sent whole URLs', async (t) => {
  const proxy = await openProxy(t, { hosts: { [`${NAME}:8200`]: plainPort ?? 0 }, credentials: `mesh:${PASSWORD}` });
  const environment = { ...PLAIN, HTTP_PROXY: proxy.address.replace('//', `//mesh:${encodeURIComponent(PASSWORD)}@`) };
  const { official, ours } = await tryBoth(proxy, environment);
  const path = `http://${NAME}:8200/v1/${mount}/sign/dataplanes`;
  t.match(official, { isSigned: true, asked: [`PUT ${path}`] }, official.text);
  t.match(ours, { isSigned: true, asked: [`POST ${path}`] }, ours.text);
  t.ok(proxy.passedOn.every(({ host }) => host === `${NAME}:8200`));
  t.notMatch(ours.text, 'canary');
  t.match(
    await both.ours({ ...PLAIN, HTTPS_PROXY: proxy.address }),
    { isSigned: false },
    'HTTPS_PROXY is not for http',
  );
});

t.test('user and password reach the proxy, and nobody else', async (t) => {
  const proxy = await openProxy(t, { credentials: `mesh:${PASSWORD}` });
  const as = (user: string) => ({ ...TLS, HTTPS_PROXY: proxy.address.replace('//', `//${user}`) });
  const right = await tryBoth(proxy, as(`mesh:${encodeURIComponent(PASSWORD)}@`));
  t.match(right, { official: { isSigned: true }, ours: { isSigned: true } }, right.ours.text);
  const wrong = await tryBoth(proxy, as('mesh:canary-wrong@'));
  t.match(wrong, { official: { isSigned: false }, ours: { isSigned: false } });
  t.match(wrong.ours.error, {
    code: 'ERR_CA_UNREACHABLE',
    retry: 'slowly',
    message: `the proxy ${proxy.address} (HTTPS_PROXY) answered 407 for Vault at https://${NAME}:8200: it does not accept user and password`,
    remedy: 'correct those in HTTPS_PROXY',
  });
  const none = await tryBoth(proxy, as(''));
  t.match(none, { official: { isSigned: false }, ours: { isSigned: false } });
  t.match(none.ours.error, { message: /wants user and password/, remedy: /write them into HTTPS_PROXY/ });
  const secrets = ['canary', Buffer.from(`mesh:${PASSWORD}`).toString('base64').slice(0, 12), vault.rootToken];
  for (const secret of secrets) t.notMatch(right.ours.text + wrong.ours.text + none.ours.text, secret);
  t.match(wrong.official.text, 'Proxy Authentication Required', 'so does vault say');
});

t.test('a proxy that does not pass us on is told from Vault', async (t) => {
  const gone = { ...TLS, VAULT_PROXY_ADDR: `http://mesh:canary@127.0.0.1:${await freePort()}` };
  const away = await both.ours(gone);
  t.match(away.error, {
    code: 'ERR_CA_UNREACHABLE',
    retry: 'soon',
    message:
      /cannot reach the proxy http:\/\/127.0.0.1:\d+ \(VAULT_PROXY_ADDR\) before Vault at https:\/\/vault.test:8200: connection refused/,
    remedy: /check VAULT_PROXY_ADDR, and that the proxy runs/,
  });
  t.notMatch(away.text, 'canary');
  for (const [refusal, retry, message, remedy] of [
    [403, 'slowly', /answered 403 .* does not let us through/, /let connections to vault.test:8200 through/],
    [502, 'soon', /answered 502 .* cannot reach Vault/, /check conf.fromCp.address/],
  ] as const) {
    const proxy = await openProxy(t, { refusal });
    const wanted = { code: 'ERR_CA_UNREACHABLE', retry, message, remedy };
    t.match((await both.ours({ ...TLS, HTTPS_PROXY: proxy.address })).error, wanted, 'instead of a tunnel');
    t.match((await both.ours({ ...PLAIN, HTTP_PROXY: proxy.address })).error, wanted, "instead of Vault's answer");
  }
  const unknown = await openProxy(t, { hosts: {} });
  t.match((await both.ours({ ...PLAIN, HTTP_PROXY: unknown.address })).error, { message: /answered 502/ });
});

t.test('the node that a standby sends us to is asked through the proxy, too', async (t) => {
  const certificate = await makeServerCertificate(directory, 'standby');
  const identity = { cert: readFileSync(certificate.certificateFile), key: readFileSync(certificate.keyFile) };
  const standby = createServer(identity, ({ url }, response) => {
    response.writeHead(307, { location: `https://${NAME}:8200${url}` }).end();
  });
  await new Promise<void>((resolve) => standby.listen(0, '127.0.0.1', resolve));
  t.teardown(() => standby.close());
  const { port: standbyPort } = standby.address() as AddressInfo;
  const proxy = await openProxy(t, { hosts: { 'standby.test:8200': standbyPort, [`${NAME}:8200`]: port } });
  const VAULT_CACERT = join(directory, 'cluster-cas.crt');
  writeFileSync(VAULT_CACERT, [vault.caPem, certificate.caPem].join('\n'));
  const environment = { ...TLS, VAULT_ADDR: 'https://standby.test:8200', VAULT_CACERT, HTTPS_PROXY: proxy.address };
  const asked = ['CONNECT standby.test:8200', `CONNECT ${NAME}:8200`];
  const { official, ours } = await tryBoth(proxy, environment);
  t.match(official, { isSigned: true, asked }, official.text);
  t.match(ours, { isSigned: true, asked }, ours.text);
});

t.test("Vault's own refusals are not taken for those of the proxy", async (t) => {
  const proxy = await openProxy(t, { hosts: { [`${NAME}:8200`]: plainPort ?? 0 } });
  const environment = { ...PLAIN, HTTP_PROXY: proxy.address, VAULT_TOKEN: 'hvs.canary' };
  t.match((await both.ours(environment)).error, { code: /^ERR_(CA|LOGIN)_DENIED$/, message: /Vault/ });
});

t.test('a proxy that says nothing costs the time limit, and no connection is left behind', async (t) => {
  const proxy = await openProxy(t, { isSilent: true });
  for (const environment of [TLS, PLAIN]) {
    const proxied = { ...environment, HTTPS_PROXY: proxy.address, HTTP_PROXY: proxy.address };
    t.match((await both.ours({ ...proxied, VAULT_CLIENT_TIMEOUT: '300ms' })).error, {
      code: 'ERR_CA_UNREACHABLE',
      message: new RegExp(`Vault at ${environment.VAULT_ADDR} through the proxy ${proxy.address} within 0.3 s`),
    });
    await eventually('the connection is closed', () => proxy.open() === 0);
  }
});

t.test('a proxy that is spoken to by TLS is believed by the CAs of VAULT_CACERT, as by vault', async (t) => {
  mkdirSync(join(directory, 'proxy'));
  const certificate = await makeServerCertificate(join(directory, 'proxy'), 'proxy');
  const caFile = join(directory, 'both-cas.crt');
  writeFileSync(caFile, [vault.caPem, certificate.caPem].join('\n'));
  const proxy = await openProxy(t, { certificate });
  const right = await tryBoth(proxy, { ...TLS, VAULT_CACERT: caFile, HTTPS_PROXY: proxy.address });
  const asked = [`CONNECT ${NAME}:8200`];
  t.match(right, { official: { isSigned: true, asked }, ours: { isSigned: true, asked } }, right.ours.text);
  const untrusted = await tryBoth(proxy, { ...TLS, HTTPS_PROXY: proxy.address });
  t.match(untrusted, { official: { isSigned: false, asked: [] }, ours: { isSigned: false, asked: [] } });
  t.match(untrusted.ours.error, { message: /TLS with it cannot be made/, remedy: /VAULT_CACERT/ });
  const whole = await openProxy(t, { certificate, hosts: { [`${NAME}:8200`]: plainPort ?? 0 } });
  const withoutTls = await tryBoth(whole, { ...PLAIN, VAULT_CACERT: caFile, HTTP_PROXY: whole.address });
  t.match(withoutTls, { official: { isSigned: true }, ours: { isSigned: true } }, withoutTls.ours.text);
});
