import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import t, { type Test } from 'tap';
import { freePort } from '../helpers/free-port.ts';
import { configureKongVaultPki } from '../helpers/kong-vault-pki.ts';
import { startVault } from '../helpers/vault.ts';
import { openVaultIssuer } from '../helpers/vault-issuer.ts';

const vault = await startVault({ directory: t.testdir({}) });
t.teardown(() => vault.stop());
const { mount } = await configureKongVaultPki(vault, {
  mesh: 'default',
  role: { key_type: 'ec', key_bits: '256' },
});

const open = (address: string, requestTimeoutMs = 5000) =>
  openVaultIssuer({ address, pki: mount, auth: 'hvs.canary', requestTimeoutMs });

async function listen(t: Test, server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  t.teardown(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const answerWith = (t: Test, handle: RequestListener) => listen(t, createHttpServer(handle));

t.test('nobody listens, nobody has the name', async (t) => {
  const address = `http://127.0.0.1:${await freePort()}`;
  t.match(await open(address).fail(), {
    code: 'ERR_CA_UNREACHABLE',
    retry: 'soon',
    message: `cannot reach Vault at ${address} while signing: connection refused`,
    remedy: /conf.fromCp.address/,
  });
  t.match(await open('http://vault.invalid:8200').fail(), { code: 'ERR_CA_UNREACHABLE', remedy: /DNS/ });
  const seeds = {
    code: 'ERR_CA_UNREACHABLE',
    retry: 'slowly',
    message: /"https:\/\/vault.8200" is none/,
    remedy: /fromCp.address/,
  };
  t.match(await open('https://vault.8200').fail(), seeds, 'the address that the Kong Mesh document shows');
});

t.test('too many requests: the time that Vault asks for is passed on', async (t) => {
  await vault.cli(['write', 'sys/quotas/config', 'enable_rate_limit_response_headers=true']);
  await vault.cli(['write', 'sys/quotas/rate-limit/narrow', 'rate=1', 'interval=60s', `path=${mount}`]);
  const vaultIssuer = openVaultIssuer({ address: vault.address, pki: mount, auth: vault.rootToken });
  await vaultIssuer.issue();
  const error = await vaultIssuer.fail();
  t.match(error, { code: 'ERR_CA_THROTTLED', message: /quota exceeded/, remedy: /quotas/ });
  t.ok(Number(error.retryAfterMs) >= 1000 && Number(error.retryAfterMs) <= 60_000, `in ${error.retryAfterMs} ms`);
  await t.rejects(vaultIssuer.issuer.probe(new AbortController().signal), { code: 'ERR_CA_THROTTLED' });
  await vault.cli(['delete', 'sys/quotas/rate-limit/narrow']);
});

t.test('silence ends with the time limit, and says what it waited for', async (t) => {
  const address = await listen(
    t,
    createServer((socket) => void socket.on('error', () => undefined)),
  );
  t.match(await open(address, 150).fail(), {
    code: 'ERR_CA_UNREACHABLE',
    message: `no answer from Vault at ${address} within 0.15 s while signing`,
    remedy: /dpCert.requestTimeout/,
  });
});

t.test('half an answer ends with the time limit too', async (t) => {
  const address = await answerWith(t, (_, response) => void response.write('{"data":'));
  t.match(await open(address, 150).fail(), { code: 'ERR_CA_UNREACHABLE', message: /no answer .* within 0.15 s/ });
});

t.test('a cut connection is named', async (t) => {
  const address = await listen(
    t,
    createServer((socket) => void socket.on('data', () => socket.resetAndDestroy())),
  );
  t.match(await open(address).fail(), { code: 'ERR_CA_UNREACHABLE', message: /the connection was cut/ });
});

t.test("the caller's signal ends it", async (t) => {
  const address = await listen(
    t,
    createServer((socket) => void socket.on('error', () => undefined)),
  );
  const controller = new AbortController();
  const failed = open(address).fail({ signal: controller.signal });
  controller.abort();
  t.match(await failed, { code: 'ERR_CA_UNREACHABLE', message: /gave up .*: we are stopping/ });
});

t.test('a redirect is not followed without TLS, as anybody could be at the other end', async (t) => {
  let asked = 0;
  const active = await answerWith(t, (_, response) => {
    asked += 1;
    response.end('{}');
  });
  const address = await answerWith(t, (_, response) => {
    response.writeHead(307, { location: `${active}/v1/${mount}/sign/dataplanes` }).end();
  });
  t.match(await open(address).fail(), { code: 'ERR_CA_UNAVAILABLE', message: `sends us to ${active},` });
  t.equal(asked, 0);
});

t.test('what is not Vault is not believed to be', async (t) => {
  const cases: [RequestListener, object][] = [
    [(_, response) => void response.end('<html>Welcome to nginx!</html>'), { code: 'ERR_CA_PROTOCOL' }],
    [(_, response) => void response.end('{"data":{"certificate":"x"}}'), { code: 'ERR_CA_PROTOCOL' }],
    [(_, response) => void response.writeHead(204).end(), { code: 'ERR_CA_PROTOCOL' }],
    [(_, response) => void response.writeHead(502).end('<h1>502 Bad Gateway</h1>'), { code: 'ERR_CA_UNAVAILABLE' }],
    [
      (_, response) => void response.on('error', () => undefined).end(Buffer.alloc(2 ** 20 + 1, ' ')),
      { code: 'ERR_CA_PROTOCOL', message: /more than 1 MiB/ },
    ],
  ];
  for (const [handle, expected] of cases) t.match(await open(await answerWith(t, handle)).fail(), expected);
});
