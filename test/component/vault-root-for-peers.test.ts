import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { pemToDer } from '../../src/identity/pem.ts';
import { configureKongVaultPki } from '../helpers/kong-vault-pki.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { uniqueName } from '../helpers/unique-name.ts';
import { openVaultIssuer } from '../helpers/vault-issuer.ts';

const { vault } = await sharedPeers(t);
const directory = t.testdir({});
const role = { key_type: 'ec', key_bits: '256' };
const pki = await configureKongVaultPki(vault, { mesh: 'default', mount: uniqueName('pki'), ca: 'intermediate', role });
const rootDer = pemToDer('CERTIFICATE', pki.rootPem);
const intermediatePem = String((await vault.api('GET', `${pki.mount}/cert/ca`)).body.data?.certificate);
const intermediateDer = pemToDer('CERTIFICATE', intermediatePem);

/** The CA of the mount again, where the root is not known. */
async function makeMountWithoutRoot(): Promise<string> {
  const mount = uniqueName('pki');
  await vault.shell(`
    vault secrets enable -path=${mount} pki
    vault write -field=csr ${mount}/intermediate/generate/internal common_name=orphan > ${mount}.csr
    vault write -field=certificate ${pki.mount}-root/root/sign-intermediate csr=@${mount}.csr ttl=1000h > ${mount}.crt
    vault write ${mount}/intermediate/set-signed certificate=@${mount}.crt
    vault write ${mount}/roles/dataplanes key_type=ec require_cn=false allowed_uri_sans="spiffe://default/*"`);
  return mount;
}

function open(mount: string, caChainPem?: string) {
  const path = join(directory, uniqueName('ca'));
  writeFileSync(path, caChainPem ?? '');
  return openVaultIssuer({
    address: vault.address,
    pki: mount,
    auth: vault.rootToken,
    ...(caChainPem !== undefined && { caChain: { kind: 'file', path } }),
  });
}

t.test(
  'an intermediate mount that knows its root: peers get the root, the intermediate goes with the leaf',
  async (t) => {
    const vaultIssuer = open(pki.mount);
    const { identity } = await vaultIssuer.issue();
    t.same(identity.trustBundle, rootDer);
    t.same(identity.chain.slice(1), intermediateDer);
    t.notMatch(vaultIssuer.log.lines.join(), /WARN/);
  },
);

t.test('a mount that knows no root: peers get the intermediate, and that is said once', async (t) => {
  const vaultIssuer = open(await makeMountWithoutRoot());
  const { identity } = await vaultIssuer.issue();
  await vaultIssuer.issue();
  t.equal(identity.trustBundle.length, 1);
  t.notSame(identity.trustBundle, rootDer);
  const warnings = vaultIssuer.log.lines.filter((line) => line.includes('WARN'));
  t.equal(warnings.length, 1);
  t.match(warnings[0], /no root is known.*caChain/);
});

t.test('a configured root completes what the mount does not know', async (t) => {
  const vaultIssuer = open(await makeMountWithoutRoot(), pki.rootPem);
  const { identity } = await vaultIssuer.issue();
  t.same(identity.trustBundle, rootDer);
  t.equal(identity.chain.length, 2);
  t.notMatch(vaultIssuer.log.lines.join(), /WARN/);
});

t.test('a configured chain that is not of this CA is named', async (t) => {
  const other = await configureKongVaultPki(vault, { mesh: 'default', mount: uniqueName('pki'), role });
  t.match(await open(pki.mount, other.rootPem).fail(), {
    code: 'ERR_SOURCE',
    message: /caChain is not the chain of the CA that signed, "CN=Kong Mesh default intermediate"/,
  });
  t.match(await open(pki.mount, pki.rootPem + other.rootPem).fail(), { code: 'ERR_SOURCE', message: /2 roots/ });
});

t.test('a configured chain that is stored anew and is no good is refused, and the one before goes on', async (t) => {
  const path = join(directory, uniqueName('ca'));
  writeFileSync(path, pki.rootPem);
  const vaultIssuer = openVaultIssuer({
    address: vault.address,
    pki: pki.mount,
    auth: vault.rootToken,
    caChain: { kind: 'file', path },
  });
  const never = new AbortController().signal;
  const { identity } = await vaultIssuer.issue();
  writeFileSync(path, 'half a file');
  t.same((await vaultIssuer.issue()).identity.trustBundle, identity.trustBundle);
  t.same(await vaultIssuer.issuer.readRoots(never), identity.trustBundle);
  const refusals = vaultIssuer.log.lines.filter((line) => line.includes('ERROR'));
  t.equal(refusals.length, 1);
  t.match(refusals[0], /refused, what was there is kept: .*caChain .* no PEM certificate/);
});
