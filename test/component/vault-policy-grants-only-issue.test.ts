import t, { type Test } from 'tap';
import { configureKongVaultPki } from '../helpers/kong-vault-pki.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { uniqueName } from '../helpers/unique-name.ts';
import { openVaultIssuer } from '../helpers/vault-issuer.ts';
import { createWorkload } from '../helpers/vault-login.ts';
import { openVaultRelay } from '../helpers/vault-relay.ts';

const DAY_SECONDS = 24 * 60 * 60;

const peers = await sharedPeers(t);
const { vault } = peers;

async function setUp(t: Test) {
  const pki = await configureKongVaultPki(vault, { mesh: 'default', mount: uniqueName('pki'), grant: 'issue' });
  const workload = await createWorkload(peers, {
    directory: t.testdir({}),
    policies: [pki.policy],
    expirationSeconds: 2 * DAY_SECONDS,
  });
  const relay = await openVaultRelay(vault.address);
  const vaultIssuer = openVaultIssuer({ address: relay.address, pki: pki.mount, auth: workload.auth });
  t.teardown(async () => {
    await vaultIssuer.issuer.close();
    await relay.close();
  });
  const grant = (...endpoints: string[]) =>
    vault.cli(['policy', 'write', pki.policy, '-'], {
      stdin: endpoints.map((one) => `path "${pki.mount}/${one}/dataplanes" { capabilities = ["update"] }`).join('\n'),
    });
  const asked = () =>
    relay.calls
      .splice(0)
      .filter(({ path }) => path.startsWith(pki.mount))
      .map(({ path }) => path.split('/')[1]);
  return { pki, vaultIssuer, grant, asked };
}

t.test('the CA makes the key, and that is said once with what to grant', async (t) => {
  const { pki, vaultIssuer, asked } = await setUp(t);
  const { issued, identity } = await vaultIssuer.issue();
  t.match(issued.privateKeyPem, /^-----BEGIN PRIVATE KEY-----/);
  t.equal(identity.privateKey.asymmetricKeyType, 'rsa', 'of the type that the role says');
  t.same(asked(), ['sign', 'issue']);
  await vaultIssuer.issue();
  t.same(asked(), ['issue'], 'what was denied is not asked for each time');
  const warnings = vaultIssuer.log.lines.filter((line) => line.includes('WARN'));
  t.equal(warnings.length, 1);
  t.match(warnings[0], `path \\"${pki.mount}/sign/dataplanes\\" { capabilities = [\\"create\\", \\"update\\"] }`);
});

t.test('sign is tried again after a day', async (t) => {
  const { vaultIssuer, grant, asked } = await setUp(t);
  await vaultIssuer.issue();
  await grant('issue', 'sign');
  asked();
  await vaultIssuer.issue({ keyType: 'rsa-2048' });
  t.same(asked(), ['issue']);
  vaultIssuer.shiftClock(DAY_SECONDS * 1000);
  const { issued } = await vaultIssuer.issue({ keyType: 'rsa-2048' });
  t.equal(issued.privateKeyPem, undefined);
  t.same(asked(), ['sign']);
  await vaultIssuer.issue({ keyType: 'rsa-2048' });
  t.same(asked(), ['sign'], 'and kept to');
});

t.test('a policy that now grants only sign is followed at once', async (t) => {
  const { vaultIssuer, grant, asked } = await setUp(t);
  await vaultIssuer.issue();
  asked();
  await grant('sign');
  t.equal((await vaultIssuer.issue({ keyType: 'rsa-2048' })).issued.privateKeyPem, undefined);
  t.same(asked(), ['issue', 'sign']);
  await vaultIssuer.issue({ keyType: 'rsa-2048' });
  t.same(asked(), ['sign']);
});

t.test('a policy that grants neither is named with the line to add', async (t) => {
  const { pki, vaultIssuer, grant } = await setUp(t);
  await grant('nothing');
  const error = await vaultIssuer.fail();
  t.match(error, {
    code: 'ERR_CA_DENIED',
    message: `may use neither ${pki.mount}/sign/dataplanes nor ${pki.mount}/issue/dataplanes`,
    remedy: `path "${pki.mount}/sign/dataplanes" { capabilities = ["create", "update"] }`,
  });
  await vault.cli(['policy', 'write', pki.policy, '-'], { stdin: error.remedy?.replace(/^.*?path/, 'path') ?? '' });
  t.equal((await vaultIssuer.issue({ keyType: 'rsa-2048' })).issued.privateKeyPem, undefined, 'the remedy helps');
});

t.test('a role for any key type cannot issue, and that is named', async (t) => {
  const { pki, vaultIssuer } = await setUp(t);
  await vault.shell(`vault patch ${pki.mount}/roles/dataplanes key_type=any key_bits=0`);
  t.match(await vaultIssuer.fail(), { code: 'ERR_CA_DENIED', remedy: `path "${pki.mount}/sign/dataplanes"` });
});
