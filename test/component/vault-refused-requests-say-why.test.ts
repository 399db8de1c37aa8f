import t from 'tap';
import { SpiffeId } from '../../src/identity/spiffe-id.ts';
import { configureKongVaultPki } from '../helpers/kong-vault-pki.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { uniqueName } from '../helpers/unique-name.ts';
import { openVaultIssuer } from '../helpers/vault-issuer.ts';

const { vault } = await sharedPeers(t);
const { mount } = await configureKongVaultPki(vault, {
  mesh: 'default',
  mount: uniqueName('pki'),
  role: { key_type: 'ec', key_bits: '256' },
});

async function makeRole(parameters: Readonly<Record<string, string>> = {}): Promise<string> {
  const role = uniqueName('role');
  const all = {
    require_cn: 'false',
    allowed_uri_sans: 'spiffe://default/*',
    key_type: 'ec',
    max_ttl: '1h',
    ...parameters,
  };
  await vault.cli([
    'write',
    `${mount}/roles/${role}`,
    ...Object.entries(all).map(([name, value]) => `${name}=${value}`),
  ]);
  return role;
}

const open = (role: string, pki = mount) =>
  openVaultIssuer({ address: vault.address, pki, role, auth: vault.rootToken });

/** Runs the command that the remedy names. */
const obey = (remedy: string | undefined) => vault.shell(/vault patch .*/.exec(remedy ?? '')?.[0] ?? 'false');

t.test('a role that wants a common name', async (t) => {
  const vaultIssuer = open(await makeRole({ require_cn: 'true' }));
  const error = await vaultIssuer.fail();
  t.match(error, { code: 'ERR_CA_REFUSED', message: /demands a common name/ });
  await obey(error.remedy);
  await t.resolves(vaultIssuer.issue());
});

t.test('a role that does not allow our SPIFFE ID', async (t) => {
  const roles: Record<string, string>[] = [
    { allowed_uri_sans: '' },
    { allowed_uri_sans: 'spiffe://other/*' },
    { allowed_uri_sans: '', use_csr_sans: 'false' },
  ];
  for (const parameters of roles) {
    const vaultIssuer = open(await makeRole(parameters));
    const error = await vaultIssuer.fail();
    t.match(error, { code: 'ERR_CA_REFUSED', message: /does not allow spiffe:\/\/default\/web/ });
    await obey(error.remedy);
    await t.resolves(vaultIssuer.issue());
  }
  await t.resolves(open(await makeRole({ use_csr_sans: 'false' })).issue(), 'the SAN is sent outside the CSR too');
});

t.test('a role, a mount that is not there', async (t) => {
  t.match(await open('nope').fail(), { code: 'ERR_CA_REFUSED', message: `no role "nope" in ${mount}` });
  t.match(await open('nope', 'nowhere').fail(), {
    code: 'ERR_CA_REFUSED',
    message: /no secrets engine at nowhere/,
    remedy: /vault secrets list/,
  });
  t.match(await open('nope', 'sys').fail(), { code: 'ERR_CA_REFUSED' });
});

t.test('a mount without a CA', async (t) => {
  const empty = uniqueName('pki');
  await vault.shell(`vault secrets enable -path=${empty} pki
    vault write ${empty}/roles/web key_type=ec require_cn=false allowed_uri_sans="spiffe://default/*"`);
  t.match(await open('web', empty).fail(), { code: 'ERR_CA_REFUSED', message: `${empty} has no CA yet` });
});

t.test('a role for other keys', async (t) => {
  t.match(await open(await makeRole()).fail({ keyType: 'rsa-2048' }), { code: 'ERR_KEY_TYPE', detail: 'ec-p256' });
  t.match(await open(await makeRole({ key_bits: '384' })).fail(), {
    code: 'ERR_KEY_TYPE',
    detail: 'ec-p384',
    message: /signs keys of 384 bits or more, ours is ec-p256/,
  });
  t.match(await open(await makeRole({ key_type: 'ed25519', key_bits: '0' })).fail(), {
    code: 'ERR_CA_REFUSED',
    message: /signs only ed25519 keys/,
  });
});

t.test('a life beyond that of the CA', async (t) => {
  const role = await makeRole({ max_ttl: '100000h' });
  const vaultIssuer = open(role);
  const error = await vaultIssuer.fail({ ttlSeconds: 90_000 * 3600 });
  t.match(error, { code: 'ERR_CA_REFUSED', message: /the CA ends at \d{4}-/, remedy: /dpCert.rotation.expiration/ });
});

t.test('a life beyond max_ttl is given shorter, and that is said once', async (t) => {
  const vaultIssuer = open(await makeRole());
  const { identity } = await vaultIssuer.issue({ ttlSeconds: 86_400 });
  t.ok(identity.notAfter.getTime() < Date.now() + 3_601_000);
  await vaultIssuer.issue({ ttlSeconds: 86_400 });
  const warnings = vaultIssuer.log.lines.filter((line) => line.includes('WARN'));
  t.equal(warnings.length, 1);
  t.match(warnings[0], /askedSeconds=86400 gotSeconds=(3599|3600) /);
  t.match(vaultIssuer.log.lines.join('\n'), /DEBUG.*longer than permitted maxTTL/, "Vault's own words");
  await obey(warnings[0]?.replaceAll('"', ''));
  t.ok((await vaultIssuer.issue({ ttlSeconds: 86_400 })).identity.notAfter.getTime() > Date.now() + 86_390_000);

  vaultIssuer.shiftClock(-3_600_000);
  await vaultIssuer.issue({ ttlSeconds: 86_400 });
  vaultIssuer.shiftClock(7_200_000);
  await vaultIssuer.issue({ ttlSeconds: 86_400 });
  t.equal(
    vaultIssuer.log.lines.filter((line) => line.includes('WARN')).length,
    1,
    'a wrong clock here shortens nothing',
  );
  t.ok(Math.abs((vaultIssuer.seen.skewSeconds.at(-1) ?? 0) + 3600) <= 1, 'but is seen');
});

t.test('another identity than that of the role', async (t) => {
  const spiffeId = new SpiffeId('elsewhere', '/web');
  t.match(await open(await makeRole()).fail({ spiffeId }), {
    message: /does not allow spiffe:\/\/elsewhere\/web/,
    remedy: /allowed_uri_sans="spiffe:\/\/elsewhere\/\*"/,
  });
});
