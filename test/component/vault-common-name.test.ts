import { X509Certificate } from 'node:crypto';
import t from 'tap';
import { countCertificates } from '../helpers/count-certificates.ts';
import { configureKongVaultPki } from '../helpers/kong-vault-pki.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { uniqueName } from '../helpers/unique-name.ts';
import { openVaultIssuer } from '../helpers/vault-issuer.ts';

const { vault } = await sharedPeers(t);
const ec = { key_type: 'ec', key_bits: '256' };
const mesh = { ...ec, allowed_domains: 'mesh', allow_subdomains: 'true' };

async function setUp(grant: 'sign' | 'issue', role: Readonly<Record<string, string>>, commonName: string | undefined) {
  const pki = await configureKongVaultPki(vault, { mesh: 'default', mount: uniqueName('pki'), grant, role });
  const auth = (await vault.cli(['token', 'create', `-policy=${pki.policy}`, '-type=batch', '-field=token'])).trim();
  return { ...openVaultIssuer({ address: vault.address, pki: pki.mount, auth, commonName }), pki };
}

for (const grant of ['sign', 'issue'] as const) {
  t.test(`it is in the subject and nowhere else, by ${grant}`, async (t) => {
    const { issue } = await setUp(grant, mesh, 'web-shop.mesh');
    const leaf = new X509Certificate((await issue()).identity.chain[0] ?? '');
    t.equal(leaf.subject, 'CN=web-shop.mesh');
    t.equal(leaf.subjectAltName, 'URI:spiffe://default/web');
  });
}

t.test('a role that demands one gets it', async (t) => {
  const named = await setUp('sign', mesh, 'web.mesh');
  const unnamed = await setUp('sign', mesh, undefined);
  for (const { pki } of [named, unnamed])
    await vault.cli(['patch', `${pki.mount}/roles/dataplanes`, 'require_cn=true']);
  await t.resolves(named.issue());
  t.match(await unnamed.fail(), {
    code: 'ERR_CA_REFUSED',
    message: /demands a common name/,
    remedy: /^set conf\.fromCp\.commonName, or run: vault patch .* require_cn=false$/,
  });
});

t.test('one that the role does not allow is named, and nothing is issued', async (t) => {
  const { fail, pki } = await setUp('sign', ec, 'web.mesh');
  const before = await countCertificates(vault, pki.mount);
  const error = await fail();
  t.match(error, {
    code: 'ERR_CA_REFUSED',
    message: /does not allow the common name that conf\.fromCp\.commonName says/,
    remedy: /vault patch .*allowed_domains=\.\.\. allow_subdomains=true/,
  });
  t.equal(await countCertificates(vault, pki.mount), before);
});
