import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { runDoctor } from '../helpers/doctor.ts';
import { renderVaultMesh } from '../helpers/kong-mesh.ts';
import { configureKongVaultPki } from '../helpers/kong-vault-pki.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { uniqueName } from '../helpers/unique-name.ts';

const { vault } = await sharedPeers(t);
const directory = temporaryDirectory(t);

async function storeToken(policy: string): Promise<string> {
  const path = join(directory, uniqueName('token'));
  writeFileSync(path, await vault.cli(['token', 'create', `-policy=${policy}`, '-period=72h', '-field=token']));
  return path;
}

const names = (complaints: readonly string[]) => complaints.map((one) => one.split(':', 2).join(':'));

t.test('Vault as the document of Kong Mesh leaves it works, and what is not well with it is told', async (t) => {
  const pki = await configureKongVaultPki(vault, { mesh: 'default', mount: uniqueName('pki'), grant: 'issue' });
  const file = await storeToken(pki.policy);
  const mesh = renderVaultMesh({ address: vault.address, pki: pki.mount, auth: `{token: {file: ${file}}}` });
  const environment = { VAULT_TOKEN: vault.rootToken };
  const { code, complaints, findings } = await runDoctor({ directory, environment, mesh });
  t.equal(code, 0);
  t.same(names(complaints), [
    'capabilities: warn',
    'role-key-type: warn',
    'role-key-usage: warn',
    'role-storage: warn',
    'trial: warn',
  ]);
  for (const { command } of findings) if (command !== undefined) await vault.shell(command);
  const after = await runDoctor({ directory, environment, mesh });
  t.same(after.complaints, [], 'all is well after what was told is run');
});

t.test('Vault as the document of Tanzu leaves it', async (t) => {
  const mount = uniqueName('pki_int');
  await vault.shell(`
vault secrets enable -path=${mount} pki
vault secrets tune -max-lease-ttl=8760h ${mount}
vault write -field=certificate ${mount}/root/generate/internal common_name="svc" ttl=8760h
vault policy write ${mount} - <<EOF
path "${mount}*" { capabilities = ["read", "list"] }
path "${mount}/sign/example-dot-com" { capabilities = ["create", "update"] }
path "${mount}/issue/example-dot-com" { capabilities = ["create"] }
EOF
vault write ${mount}/roles/example-dot-com \\
  allowed_domains="svc" allow_subdomains=true max_ttl="720h" require_cn=false allowed_uri_sans="cluster.local"
`);
  const auth = `{token: {file: ${await storeToken(mount)}}}`;
  const mesh = renderVaultMesh({ address: vault.address, pki: mount, role: 'example-dot-com', auth });
  const { code, complaints, findings } = await runDoctor({ directory, mesh });
  t.equal(code, 1);
  t.same(names(complaints), [
    'role-names: fail',
    'role-key-type: warn',
    'role-basic-constraints: warn',
    'role-storage: warn',
    'trial: fail',
  ]);
  for (const { command } of findings) if (command !== undefined) await vault.shell(command);
  t.same((await runDoctor({ directory, mesh })).complaints, []);
  const dashed = await runDoctor({ directory, mesh: mesh.replaceAll(mount, mount.replace('_', '-')) });
  t.match(dashed.finding('ca'), { verdict: 'fail', remedy: /letter by letter/ }, 'pki-int is not pki_int');
});
