import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { startAgent } from '../helpers/agent.ts';
import { eventually } from '../helpers/eventually.ts';
import { openForwardProxy } from '../helpers/forward-proxy.ts';
import { configureKongVaultPki } from '../helpers/kong-vault-pki.ts';
import { checkPairWithOpenssl } from '../helpers/openssl.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { startVaultTls } from '../helpers/vault.ts';

const directory = temporaryDirectory(t);
const vault = await startVaultTls({ directory: join(directory, 'vault') });
t.teardown(() => vault.stop());
const { mount, policy } = await configureKongVaultPki(vault, {
  mesh: 'default',
  role: { key_type: 'ec', key_bits: '256' },
});
const token = (await vault.cli(['token', 'create', `-policy=${policy}`, '-field=token'])).trim();
const mesh = `type: Mesh
name: default
mtls:
  enabledBackend: vault-1
  backends:
  - {name: vault-1, type: vault, conf: {fromCp: {pki: ${mount}}}}`;

t.test('rotations go through it; while it refuses or is away, the reason is told and the identity stays', async (t) => {
  const hosts = { 'vault.test:8200': Number(new URL(vault.address).port) };
  const credentials = 'mesh:canary-1';
  const right = await openForwardProxy({ hosts, credentials });
  const { port, address } = right;
  const env = {
    VAULT_ADDR: 'https://vault.test:8200',
    VAULT_TOKEN: token,
    VAULT_CACERT: vault.caFile,
    VAULT_TLS_SERVER_NAME: 'localhost',
    HTTPS_PROXY: `http://${credentials}@127.0.0.1:${port}`,
  };
  const agent = await startAgent({ directory: temporaryDirectory(t), mesh, env });
  t.teardown(() => agent.stop());
  await agent.waitReady();
  await checkPairWithOpenssl(agent.identity);
  t.equal((await agent.rotate()).status, 200);
  t.same([...new Set(right.asked)], ['CONNECT vault.test:8200']);
  const certificate = readFileSync(join(agent.identity, 'tls.crt'), 'utf8');

  await right.close();
  t.not((await agent.rotate()).status, 200);
  const away = await eventually('the failure is told', async () => (await agent.status()).lastError);
  t.match(away, { code: 'ERR_CA_UNREACHABLE' });
  t.match(agent.output(), `cannot reach the proxy ${address} (HTTPS_PROXY) before Vault at https://vault.test:8200`);

  const changed = await openForwardProxy({ hosts, port, credentials: 'mesh:canary-2' });
  t.not((await agent.rotate()).status, 200);
  t.match(agent.output(), 'answered 407 for Vault at https://vault.test:8200: it does not accept user and password');
  t.equal((await agent.probe('/readyz')).status, 200);
  t.equal(readFileSync(join(agent.identity, 'tls.crt'), 'utf8'), certificate, 'nothing is lost');

  await changed.close();
  const again = await openForwardProxy({ hosts, port, credentials });
  t.teardown(() => again.close());
  t.equal((await agent.rotate()).status, 200);
  t.not(readFileSync(join(agent.identity, 'tls.crt'), 'utf8'), certificate);
  const shown = [agent.output(), JSON.stringify(await agent.status()), (await agent.probe('/metrics')).text].join('\n');
  for (const secret of ['canary', Buffer.from(credentials).toString('base64'), token]) t.notMatch(shown, secret);
});
