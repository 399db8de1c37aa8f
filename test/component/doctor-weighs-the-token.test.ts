import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { runDoctor } from '../helpers/doctor.ts';
import { setUpTokenMesh } from '../helpers/setup-vault.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { uniqueName } from '../helpers/unique-name.ts';

const { vault } = await sharedPeers(t);
const directory = temporaryDirectory(t);
const mesh = await setUpTokenMesh(vault, directory);
const { pki, policy } = mesh;

async function createToken(...args: readonly string[]): Promise<string> {
  return (await vault.cli(['token', 'create', '-field=token', ...args])).trim();
}

async function writePolicy(text: string): Promise<string> {
  const name = uniqueName('policy');
  await vault.cli(['policy', 'write', name, '-'], { stdin: text });
  return name;
}

async function examine(token: string, environment: Readonly<Record<string, string>> = {}) {
  const path = join(directory, uniqueName('token'));
  writeFileSync(path, token, { mode: 0o600 });
  const examined = await runDoctor({ directory, environment, mesh: mesh.render({ auth: `{token: {file: ${path}}}` }) });
  t.notMatch(examined.text, token, 'the token is not said');
  return examined;
}

t.test('a token that is no good', async (t) => {
  const dead = await createToken(`-policy=${policy}`);
  await vault.cli(['token', 'revoke', dead]);
  const { finding, code } = await examine(dead);
  const found = finding('token');
  t.match(found, { verdict: 'fail', cause: /does not know our token: expired or revoked/ });
  t.match(finding('trial'), { verdict: 'skip', waitsFor: 'token' });
  t.equal(code, 1);
  const fresh = (await vault.shell(found.command ?? 'exit 1')).trim();
  t.same((await examine(fresh)).complaints, [], 'the command that it tells makes one that is');
});

t.test('a token that will end, or may do too much', async (t) => {
  const root = await examine(vault.rootToken === 'root' ? await createToken() : vault.rootToken);
  t.match(root.finding('token'), { verdict: 'warn', cause: /root token/, command: `-policy=${policy} -period=72h` });
  t.equal(root.code, 0, 'a warning is no failure');

  const short = await examine(await createToken(`-policy=${policy}`, '-ttl=1h'));
  t.match(short.finding('token'), { verdict: 'warn', cause: /ends in (1h|59m).*, before the certificate/ });
  const counted = await examine(await createToken(`-policy=${policy}`, '-period=72h', '-use-limit=50'));
  t.match(counted.finding('token'), { verdict: 'warn', cause: /ends after \d+ uses/ });

  const wide = await writePolicy(`path "${pki}/*" { capabilities = ["create", "update", "patch", "read"] }`);
  const { finding } = await examine(await createToken(`-policy=${wide}`, '-period=72h'));
  t.match(finding('least-privilege'), {
    verdict: 'warn',
    cause: /change the role, .*; have any certificate signed; make itself a CA$/,
  });
});

t.test('a token that may do too little, and the line that is missing', async (t) => {
  const nothing = await createToken('-policy=default', '-period=72h');
  t.match((await examine(nothing)).finding('capabilities'), {
    verdict: 'fail',
    cause: `neither ${pki}/sign/dataplanes nor ${pki}/issue/dataplanes`,
    command: `vault policy write ${policy} -`,
  });

  const unhelpful = await writePolicy(`path "${pki}/roles/dataplanes" { capabilities = ["read"] }`);
  const token = await createToken(`-policy=${unhelpful}`, '-period=72h');
  const found = (await examine(token)).finding('capabilities');
  t.match(found, { verdict: 'fail', remedy: `add this line to its policy "${unhelpful}"` });
  await vault.shell(found.command ?? 'exit 1');
  t.same((await examine(token)).complaints, [], 'the same token will do now');
});

t.test('a token that may only issue', async (t) => {
  const issue = `path "${pki}/issue/dataplanes" { capabilities = ["create", "update"] }`;
  const read = `path "${pki}/roles/dataplanes" { capabilities = ["read"] }`;
  const token = await createToken(`-policy=${await writePolicy(`${issue}\n${read}`)}`, '-period=72h');
  const only = await examine(token);
  const found = only.finding('capabilities');
  t.match(found, { verdict: 'warn', cause: /the CA makes our private key and sends it/ });
  t.match(only.finding('trial'), { verdict: 'warn', cause: /as its policy grants issue only/ });

  await vault.cli(['patch', `${pki}/roles/dataplanes`, 'key_type=any', 'key_bits=0']);
  t.teardown(() => vault.cli(['patch', `${pki}/roles/dataplanes`, 'key_type=ec', 'key_bits=256']));
  const any = await examine(token);
  t.match(any.finding('role-key-type'), { verdict: 'fail', cause: /with key_type=any Vault refuses to issue/ });
  t.match(any.finding('trial'), { verdict: 'fail' });

  await vault.shell(found.command ?? 'exit 1');
  t.same((await examine(token)).complaints, [], 'with sign, any key will do');
});

t.test('what the token may not read is read with that of the person who asks', async (t) => {
  const blind = await writePolicy(`path "${pki}/sign/dataplanes" { capabilities = ["update"] }`);
  const token = await createToken(`-policy=${blind}`, '-period=72h');
  const alone = await examine(token);
  t.match(alone.finding('role'), { verdict: 'skip', cause: /VAULT_TOKEN/ });
  t.match(alone.finding('role-names'), { verdict: 'skip', waitsFor: 'role' });
  t.equal(alone.finding('trial').verdict, 'pass', 'and the trial is made all the same');
  t.equal(alone.code, 0);
  const asked = await examine(token, { VAULT_TOKEN: vault.rootToken });
  t.equal(asked.finding('role-names').verdict, 'pass');
});

t.test('a token without the default policy', async (t) => {
  const sign = await writePolicy(`path "${pki}/sign/dataplanes" { capabilities = ["update"] }`);
  const { complaints, finding } = await examine(
    await createToken(`-policy=${sign}`, '-period=72h', '-no-default-policy'),
  );
  t.same(complaints, []);
  for (const check of ['token', 'capabilities', 'least-privilege', 'role']) t.equal(finding(check).verdict, 'skip');
  t.equal(finding('trial').verdict, 'pass');
});

t.test('a secret in plain sight', async (t) => {
  const token = await createToken(`-policy=${policy}`, '-period=72h');
  const auth = `{token: {inlineString: ${token}}}`;
  const { finding, text } = await runDoctor({ directory, mesh: mesh.render({ auth }) });
  t.match(finding('credentials'), { verdict: 'warn', cause: /auth.token holds a secret in plain sight/ });
  t.notMatch(text, token);
  const absent = await runDoctor({ directory, mesh: mesh.render({ auth: '{token: {file: /nowhere/token}}' }) });
  t.match(absent.finding('credentials'), { verdict: 'fail', cause: /cannot read \/nowhere\/token/ });
  t.match(absent.finding('login'), { verdict: 'skip', waitsFor: 'credentials' });
});
