import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import t from 'tap';
import { configureKongVaultPki } from '../helpers/kong-vault-pki.ts';
import { makeServerCertificate } from '../helpers/server-certificate.ts';
import { startVault, startVaultTls } from '../helpers/vault.ts';
import { openVaultIssuer, type VaultIssuerOptions } from '../helpers/vault-issuer.ts';

const directory = t.testdir({ plain: {}, tls: {} });
const [plain, vault] = await Promise.all([
  startVault({ directory: join(directory, 'plain') }),
  startVaultTls({ directory: join(directory, 'tls') }),
]);
t.teardown(() => Promise.all([plain.stop(), vault.stop()]));
const other = await makeServerCertificate(directory, 'other');
const { mount } = await configureKongVaultPki(vault, {
  mesh: 'default',
  role: { key_type: 'ec', key_bits: '256' },
});

const open = (tls: VaultIssuerOptions['tls'], address = vault.address) =>
  openVaultIssuer({ address, pki: mount, auth: vault.rootToken, ...(tls && { tls }) });
const caFile = (path: string) => ({ caCert: { kind: 'file', path } as const });

t.test('with the right CA it issues', async (t) => {
  await t.resolves(open(caFile(vault.caFile)).issue());
  const localhost = vault.address.replace('127.0.0.1', 'localhost');
  await t.resolves(open(caFile(vault.caFile), localhost).issue());
  await t.resolves(open({ ...caFile(vault.caFile), serverName: 'localhost' }).issue());
});

t.test('without it, with another, with a broken file it names tls.caCert', async (t) => {
  for (const tls of [{}, caFile(other.caFile)]) {
    t.match(await open(tls).fail(), {
      code: 'ERR_CA_TLS',
      message: /no CA that we trust signed Vault's TLS certificate/,
      remedy: "set conf.fromCp.tls.caCert to the CA that signed Vault's certificate",
    });
  }
  const junk = join(directory, 'junk.pem');
  writeFileSync(junk, 'hello');
  t.match(await open(caFile(junk)).fail(), { code: 'ERR_SOURCE', message: /caCert holds no PEM certificate/ });
  writeFileSync(junk, '-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n');
  t.match(await open(caFile(junk)).fail(), { code: 'ERR_SOURCE', message: /certificate 1 in .*caCert is broken/ });
  t.match(await open(caFile('/nowhere/ca.crt')).fail(), { code: 'ERR_SOURCE', message: /no such file/ });
});

t.test('a changed CA file counts at the next issue', async (t) => {
  const path = join(directory, 'changing.crt');
  copyFileSync(other.caFile, path);
  const vaultIssuer = open(caFile(path));
  t.match(await vaultIssuer.fail(), { code: 'ERR_CA_TLS' });
  copyFileSync(vault.caFile, path);
  await t.resolves(vaultIssuer.issue());
});

t.test('a certificate for another name is named with the names it is for', async (t) => {
  t.match(await open({ ...caFile(vault.caFile), serverName: 'vault.example' }).fail(), {
    code: 'ERR_CA_TLS',
    message: /is for .*localhost.* and not for the name/,
    remedy: /tls.serverName/,
  });
});

t.test('skipVerify skips exactly that', async (t) => {
  await t.resolves(open({ skipVerify: true }).issue());
  await t.resolves(open({ skipVerify: true, ...caFile('/nowhere/ca.crt') }).issue(), 'and needs no CA');
});

t.test('http spoken to https, and the reverse, are named with the address to write', async (t) => {
  const http = vault.address.replace('https:', 'http:');
  t.match(await open({}, http).fail(), { code: 'ERR_CA_TLS', remedy: `write ${vault.address} in conf.fromCp.address` });
  const https = plain.address.replace('http:', 'https:');
  t.match(await open({}, https).fail(), {
    code: 'ERR_CA_TLS',
    message: /does not speak TLS/,
    remedy: `write ${plain.address} in conf.fromCp.address`,
  });
});

t.test('a TLS of yesterday is not spoken', async (t) => {
  const server = createTlsServer({
    cert: readFileSync(other.certificateFile),
    key: readFileSync(other.keyFile),
    minVersion: 'TLSv1.1',
    maxVersion: 'TLSv1.1',
    ciphers: 'DEFAULT@SECLEVEL=0',
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  t.teardown(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const address = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  t.match(await open(caFile(other.caFile), address).fail(), { code: 'ERR_CA_TLS', message: /handshake failed/ });
});

t.test('something that is neither', async (t) => {
  const server = createServer(
    (socket) => void socket.on('error', () => undefined).on('data', () => socket.end('SSH-2.0\r\n')),
  );
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  t.teardown(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const { port } = server.address() as AddressInfo;
  t.match(await open({}, `http://127.0.0.1:${port}`).fail(), {
    code: 'ERR_CA_PROTOCOL',
    message: /does not speak HTTP/,
  });
  t.match(await open({}, `https://127.0.0.1:${port}`).fail(), { code: 'ERR_CA_TLS', message: /does not speak TLS/ });
});
