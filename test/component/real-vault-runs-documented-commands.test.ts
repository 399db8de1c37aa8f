import t from 'tap';
import { configureKongVaultPki } from '../helpers/kong-vault-pki.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { uniqueName } from '../helpers/unique-name.ts';

const { vault } = await sharedPeers(t);

t.test('the documented role and policy issue a certificate, and let nobody sign', async (t) => {
  const mesh = uniqueName('mesh');
  const pki = await configureKongVaultPki(vault, { mesh, grant: 'issue' });
  t.equal(pki.mount, `kuma-pki-${mesh}`);
  t.match(pki.rootPem, /^-----BEGIN CERTIFICATE-----\n[^-]+-----END CERTIFICATE-----\n$/);

  const token = (await vault.cli(['token', 'create', '-field=token', `-policy=${pki.policy}`])).trim();
  const issued = await vault.api(
    'POST',
    `${pki.mount}/issue/dataplanes`,
    { uri_sans: `spiffe://${mesh}/web` },
    { token },
  );
  t.equal(issued.status, 200);
  t.equal(issued.body.data?.issuing_ca, pki.rootPem.trim());

  const signed = await vault.api('POST', `${pki.mount}/sign/dataplanes`, { csr: 'x' }, { token });
  t.equal(signed.status, 403);
});

t.test('a grant of sign reaches sign, and an intermediate CA has its root elsewhere', async (t) => {
  const mesh = uniqueName('mesh');
  const pki = await configureKongVaultPki(vault, {
    mesh,
    ca: 'intermediate',
    role: { key_type: 'ec', key_bits: '256' },
  });
  const token = (await vault.cli(['token', 'create', '-field=token', `-policy=${pki.policy}`])).trim();

  const signed = await vault.api('POST', `${pki.mount}/sign/dataplanes`, { csr: 'x' }, { token });
  t.equal(signed.status, 400, 'it was let in, and did not like the request');
  const issued = await vault.api(
    'POST',
    `${pki.mount}/issue/dataplanes`,
    { uri_sans: `spiffe://${mesh}/web` },
    { token },
  );
  t.equal(issued.status, 200);
  t.equal(issued.body.data?.private_key_type, 'ec');
  t.not(issued.body.data?.issuing_ca, pki.rootPem.trim());
});

t.test('a command that fails rejects with what it said', async (t) => {
  await t.rejects(vault.cli(['read', 'nowhere/at-all']), /No value found|no handler|unsupported/i);
});
