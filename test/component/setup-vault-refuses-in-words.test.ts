import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { freePort } from '../helpers/free-port.ts';
import { renderBuiltinMesh } from '../helpers/kong-mesh.ts';
import { makeKubernetesMesh } from '../helpers/setup-kubernetes-login.ts';
import { runSetup, type SetUpOptions } from '../helpers/setup-vault.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const CANARY = 'hvs.CANARYCANARYCANARYCANARY';
const peers = await sharedPeers(t);
const { vault } = peers;
const directory = temporaryDirectory(t);
const mesh = await makeKubernetesMesh(peers, directory);

async function run(options: Partial<SetUpOptions> = {}, address = vault.address) {
  const args = ['--apply', ...(options.args ?? mesh.clusterArgs)];
  const ran = await runSetup({ ...vault, address }, { directory, mesh: mesh.render(), ...options, args });
  return { ...ran, text: ran.out + ran.error };
}

t.test('nothing is asked of Vault without what is needed', async (t) => {
  const unknown = await run({ mesh: mesh.render({ auth: mesh.renderAuth({ tokenPath: '/nowhere' }) }) });
  t.match(unknown, { code: 2, error: /nothing says which service account .*--service-account NAMESPACE\/NAME/ });
  const named = ['--service-account', `${mesh.namespace}`];
  t.match(await run({ args: named }), { code: 2, error: /names no service account; write it like shop\/web/ });
  t.match(await run({ mesh: renderBuiltinMesh('1d') }), { code: 2, error: /"ca-1" is of the type builtin/ });
  t.match(await run({ environment: { VAULT_TOKEN: '' } }), { code: 2, error: /set VAULT_TOKEN, or run: vault login/ });
  t.match(await run({ args: ['--address', 'vault:8200'] }), { code: 2, error: /is no address of Vault/ });
  t.match(await run({ environment: { VAULT_SKIP_VERIFY: 'maybe' } }), { code: 2, error: /VAULT_SKIP_VERIFY/ });
  t.match(await run({ args: ['--kubernetes-ca', '/nowhere'] }), { code: 1, error: /cannot read \/nowhere/ });
  t.equal((await vault.api('GET', `sys/mounts/${mesh.pki}`)).status, 400, 'nothing was made');
});

t.test('a token that may not, and an address where nobody is', async (t) => {
  const denied = await run({ environment: { VAULT_TOKEN: CANARY } });
  t.match(denied, { code: 1, error: /secrets engine .*: Vault at .* denies access to sys\/mounts/ });
  t.match(denied.error, /vault login/);
  t.notMatch(denied.text, CANARY);
  const away = await run({}, `http://127.0.0.1:${await freePort()}`);
  t.match(away, { code: 1, error: /connection refused.*VAULT_ADDR/ });
});

t.test('the token stays with the Vault that was named', async (t) => {
  const seen: unknown[] = [];
  const thief = createServer((request, response) => {
    seen.push(request.headers);
    response.end('{}');
  });
  const standby = createServer((request, response) => {
    const { port } = thief.address() as AddressInfo;
    response.writeHead(307, { location: `http://127.0.0.1:${port}${request.url}` }).end();
  });
  for (const server of [thief, standby]) {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.teardown(() => {
      server.closeAllConnections();
      server.close();
    });
  }
  const address = `http://127.0.0.1:${(standby.address() as AddressInfo).port}`;
  const { code, text } = await run({ environment: { VAULT_TOKEN: CANARY, HTTP_PROXY: address } }, address);
  t.equal(code, 1);
  t.notMatch(text, CANARY);
  t.same(seen, [], 'no redirect is followed with it');
});
