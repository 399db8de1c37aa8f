import { join } from 'node:path';
import t from 'tap';
import { countCertificates } from '../helpers/count-certificates.ts';
import { eventually } from '../helpers/eventually.ts';
import { configureKongVaultPki } from '../helpers/kong-vault-pki.ts';
import { makeServerCertificate } from '../helpers/server-certificate.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { startVaultTls } from '../helpers/vault.ts';
import { openVaultIssuer } from '../helpers/vault-issuer.ts';
import { startRaftNode } from '../helpers/vault-raft.ts';
import { openVaultRelay } from '../helpers/vault-relay.ts';

const directory = temporaryDirectory(t);
const vault = await startVaultTls({ directory: join(directory, 'v') });
t.teardown(() => vault.stop());
const role = { key_type: 'ec', key_bits: '256' };
const { mount } = await configureKongVaultPki(vault, { mesh: 'default', ca: 'intermediate', role });
const never = new AbortController().signal;

function open(pki = mount, address = vault.address, caFile = vault.caFile) {
  const tls = { caCert: { kind: 'file', path: caFile } as const };
  const vaultIssuer = openVaultIssuer({
    address,
    pki,
    auth: { method: 'token', token: { kind: 'file', path: '/nowhere' } },
    tls,
  });
  t.teardown(() => vaultIssuer.issuer.close());
  return vaultIssuer;
}

t.test('a CA that could sign is found so without a login and without a certificate', async (t) => {
  const before = await countCertificates(vault, mount);
  const { issuer, seen } = open();
  await t.resolves(issuer.probe(never));
  t.equal(await countCertificates(vault, mount), before);
  t.equal(seen.steps.length, 0);
  t.ok(seen.skewSeconds.length > 0, "and Vault's clock is read by the way");
});

t.test('the roots are those that an issue would name', async (t) => {
  const vaultIssuer = openVaultIssuer({
    address: vault.address,
    pki: mount,
    auth: vault.rootToken,
    tls: { caCert: { kind: 'file', path: vault.caFile } },
  });
  t.teardown(() => vaultIssuer.issuer.close());
  const { issued } = await vaultIssuer.issue();
  t.same(await open().issuer.readRoots(never), issued.roots);
  t.same(await open(`${mount}/issuer/default`).issuer.readRoots(never), issued.roots, 'of a named issuer, too');
  await t.resolves(open(`${mount}/issuer/default`).issuer.probe(never));
});

t.test('a mount that is not there, is no PKI engine, or has no CA', async (t) => {
  await vault.shell('vault secrets enable -path=empty pki; vault secrets enable -path=plain kv');
  for (const pki of ['nowhere', 'plain']) {
    const expected = { code: 'ERR_CA_REFUSED', message: `no PKI engine at ${pki}`, remedy: /vault secrets list/ };
    await t.rejects(open(pki).issuer.probe(never), expected);
    await t.rejects(open(pki).issuer.readRoots(never), expected);
  }
  await t.rejects(open('empty').issuer.probe(never), {
    code: 'ERR_CA_REFUSED',
    message: /the PKI engine empty .* has no CA yet/,
    remedy: /vault write empty\/root\/generate/,
  });
});

t.test('a CA that has expired', async (t) => {
  await vault.shell(`
    vault secrets enable -path=short pki
    vault write short/root/generate/internal common_name=short ttl=1s not_before_duration=30s`);
  const error = await eventually('it has expired', () =>
    open('short')
      .issuer.probe(never)
      .then(
        () => undefined,
        (thrown) => thrown,
      ),
  );
  t.match(error, {
    code: 'ERR_CA_REFUSED',
    message: /the CA of short .* expired at \d/,
    remedy: /vault write short\/root\/rotate/,
  });
});

t.test('a gateway that hides the health from us says nothing about Vault', async (t) => {
  const { certificate } = vault.restartInfo;
  const intercept = ({ path }: { path: string }) =>
    path.startsWith('sys/') ? { status: 404, body: { errors: [] } } : undefined;
  const relay = await openVaultRelay(vault.address, { certificate, intercept });
  t.teardown(() => relay.close());
  await t.resolves(open(mount, relay.address).issuer.probe(never));
  await t.rejects(open('nowhere', relay.address).issuer.probe(never), { message: /no PKI engine/ });
});

t.test('recorded: what only Vault Enterprise says', async (t) => {
  const { certificate } = vault.restartInfo;
  for (const [status, why, retry] of [
    [472, /disaster recovery/, 'slowly'],
    [473, /performance standby/, 'soon'],
  ] as const) {
    const intercept = () => ({ status, body: { initialized: true, sealed: false, standby: true } });
    const relay = await openVaultRelay(vault.address, { certificate, intercept });
    t.teardown(() => relay.close());
    await t.rejects(open(mount, relay.address).issuer.probe(never), { message: why, retry });
  }
});

t.test('not initialised', async (t) => {
  const certificate = await makeServerCertificate(directory, 'new');
  const node = await startRaftNode({ directory: join(directory, 'new'), name: 'new', certificate });
  t.teardown(() => node.process.stop());
  await t.rejects(open(mount, node.address, certificate.caFile).issuer.probe(never), {
    code: 'ERR_CA_UNAVAILABLE',
    retry: 'slowly',
    message: /answered 501 while asking for its health: not initialised/,
    remedy: 'run: vault operator init',
  });
});

t.test('sealed, then away', async (t) => {
  const { issuer } = open();
  await vault.seal();
  await t.rejects(issuer.probe(never), {
    code: 'ERR_CA_UNAVAILABLE',
    retry: 'slowly',
    message: /answered 503 while asking for its health: sealed/,
    remedy: 'run: vault operator unseal',
  });
  await vault.unseal();
  await t.resolves(issuer.probe(never));
  await vault.stop();
  await t.rejects(issuer.probe(never), {
    code: 'ERR_CA_UNREACHABLE',
    message: /asking for its health: connection refused/,
  });
});
