import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import t from 'tap';
import { configureKongVaultPki } from '../helpers/kong-vault-pki.ts';
import { startVaultTls } from '../helpers/vault.ts';
import { openVaultIssuer } from '../helpers/vault-issuer.ts';

const vault = await startVaultTls({ directory: t.testdir({}) });
t.teardown(() => vault.stop());
const { mount } = await configureKongVaultPki(vault, { mesh: 'default', role: { key_type: 'ec', key_bits: '256' } });
const vaultIssuer = openVaultIssuer({
  address: vault.address,
  pki: mount,
  auth: vault.rootToken,
  tls: { caCert: { kind: 'file', path: vault.caFile } },
});

t.test('a sealed Vault is named with the command that unseals it, and is used again thereafter', async (t) => {
  await t.resolves(vaultIssuer.issue());
  await vault.seal();
  t.match(await vaultIssuer.fail(), {
    code: 'ERR_CA_UNAVAILABLE',
    retry: 'slowly',
    message: /answered 503 while signing: sealed/,
    remedy: 'run: vault operator unseal',
  });
  await vault.unseal();
  await t.resolves(vaultIssuer.issue());
});

t.test('Vault goes away, and comes back', async (t) => {
  await vault.stop();
  t.match(await vaultIssuer.fail(), { code: 'ERR_CA_UNREACHABLE', message: /connection refused/ });
  const { certificate, port } = vault.restartInfo;
  const other = createServer({
    cert: readFileSync(certificate.certificateFile),
    key: readFileSync(certificate.keyFile),
  });
  other.on('request', (_, response) => response.writeHead(501).end('{"errors":["Vault is not initialized"]}'));
  await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve));
  t.match(await vaultIssuer.fail(), { code: 'ERR_CA_UNAVAILABLE', remedy: 'run: vault operator init' });
  await new Promise((resolve) => other.close(resolve));
});
