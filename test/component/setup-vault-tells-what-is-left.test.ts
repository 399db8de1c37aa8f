import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { runDoctor } from '../helpers/doctor.ts';
import { renderVaultMesh } from '../helpers/kong-mesh.ts';
import { runSetup } from '../helpers/setup-vault.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { uniqueName } from '../helpers/unique-name.ts';

const { vault } = await sharedPeers(t);
const directory = temporaryDirectory(t);

/** The commands among what is left to a person. */
function readCommands(out: string): string {
  return [...out.matchAll(/^(?:# )?(vault .*)$/gm)].map(([, command]) => command).join('\n');
}

t.test('an AppRole: after the commands that are told, nothing is amiss', async (t) => {
  const mount = uniqueName('approle');
  const folder = join(directory, mount);
  mkdirSync(folder);
  const auth = `{approle: {mountPath: ${mount}, roleId: {file: ${folder}/role}, secretId: {file: ${folder}/secret}}}`;
  const mesh = renderVaultMesh({ address: vault.address, pki: uniqueName('pki'), auth });
  const { code, out, error } = await runSetup(vault, { directory, mesh, args: ['--apply'] });
  t.equal(code, 0, error);
  await vault.shell(readCommands(out));
  const { complaints, finding } = await runDoctor({ directory, mesh });
  t.same(complaints, []);
  t.match(finding('login'), { verdict: 'pass', cause: `approle at auth/${mount}` });

  const wrong = await runDoctor({ directory, mesh: mesh.replace(`${folder}/secret`, `${folder}/role`) });
  t.match(wrong.finding('login'), { verdict: 'fail', cause: /refuses the login/ });
});

t.test('every other way to log in is told of, with the policy, in the script as a comment', async (t) => {
  const pki = uniqueName('pki');
  const tell = async (auth: string) => {
    const mesh = renderVaultMesh({ address: 'https://vault.example:8200', pki, auth });
    const { code, out, error } = await runSetup(vault, { directory, mesh });
    t.equal(code, 0, error);
    return out;
  };
  const client = 'tls: {clientKey: {file: /k}, clientCert: {file: /c}}';
  for (const [auth, said] of [
    ['{token: {file: /run/vault-token}}', /^# vault token create .* > \/run\/vault-token$/m],
    ['{jwt: {role: web, token: {file: /t}}}', /^# vault write auth\/jwt\/role\/web .*token_policies=meshcert-/m],
    [`{${client}}`, /^# vault write auth\/cert\/certs\/meshcert .*token_policies=meshcert-/m],
    ['{aws: {type: IAM, role: web}}', /^# vault write auth\/aws\/role\/web .*token_policies=meshcert-/m],
  ] as const) {
    t.match(await tell(auth), said);
  }
});
