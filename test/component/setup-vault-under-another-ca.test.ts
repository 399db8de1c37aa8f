import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { runDoctor } from '../helpers/doctor.ts';
import { renderVaultMesh } from '../helpers/kong-mesh.ts';
import { runSetup, setUpTokenMesh } from '../helpers/setup-vault.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { uniqueName } from '../helpers/unique-name.ts';

const { vault } = await sharedPeers(t);
const directory = temporaryDirectory(t);

/** Somebody's root, in a mount of the same Vault. */
async function makeRoot(): Promise<string> {
  const mount = uniqueName('root');
  await vault.cli(['secrets', 'enable', `-path=${mount}`, '-max-lease-ttl=175200h', 'pki']);
  await vault.cli(['write', `${mount}/root/generate/internal`, 'common_name=corporate root', 'ttl=175200h']);
  return mount;
}

const readPem = async (path: string) => String((await vault.api('GET', path)).body.data?.certificate).trim();
const readChain = async (mount: string) => (await vault.api('GET', `${mount}/issuer/default`)).body.data?.ca_chain;

/** A Mesh whose token is stored already. */
function makeMesh() {
  const pki = uniqueName('pki');
  const tokenFile = join(directory, `${pki}.token`);
  const mesh = renderVaultMesh({ address: vault.address, pki, auth: `{token: {file: ${tokenFile}}}` });
  const storeToken = async () => {
    const token = await vault.cli([
      'token',
      'create',
      `-policy=meshcert-${pki}-dataplanes`,
      '-period=72h',
      '-field=token',
    ]);
    writeFileSync(tokenFile, token, { mode: 0o600 });
  };
  return { pki, mesh, storeToken };
}

t.test('an intermediate, signed by a root of the same Vault', async (t) => {
  const root = await makeRoot();
  const { pki, render } = await setUpTokenMesh(vault, directory, ['--root-mount', root]);
  t.match(await readChain(pki), { length: 2 }, 'it knows its root');
  t.equal(String((await readChain(pki))?.[1 as never]).trim(), await readPem(`${root}/cert/ca`));
  t.same((await runDoctor({ directory, mesh: render() })).complaints, []);
});

t.test('the same by the script', async (t) => {
  const root = await makeRoot();
  const { pki, mesh, storeToken } = makeMesh();
  const { out } = await runSetup(vault, { directory, mesh, args: ['--root-mount', root] });
  await vault.shell(out);
  t.match(await readChain(pki), { length: 2 });
  await storeToken();
  t.same((await runDoctor({ directory, mesh })).complaints, []);
});

t.test('an intermediate, signed elsewhere', async (t) => {
  const root = await makeRoot();
  const { pki, mesh, storeToken } = makeMesh();
  const run = (...more: readonly string[]) =>
    runSetup(vault, { directory, mesh, args: ['--apply', '--intermediate', ...more] });
  const first = await run();
  t.equal(first.code, 1, 'it is not finished');
  t.match(first.out, /WAITS +intermediate CA/);
  const csr = /-----BEGIN CERTIFICATE REQUEST-----[^-]+-----END CERTIFICATE REQUEST-----/;
  const request = csr.exec(first.out.replaceAll(/^ +/gm, ''))?.[0] ?? '';
  const again = await run();
  t.match(again.out, /WAITS +intermediate CA/);
  t.notMatch(again.out, 'CERTIFICATE REQUEST');
  const forced = await run('--force');
  t.match(forced.out, /WAITS +intermediate CA.*\n +-----BEGIN CERTIFICATE REQUEST/, 'it can be had again');
  t.match((await vault.api('LIST', `${pki}/keys`)).body.data?.keys, { length: 1 }, 'there is no second key');

  const { body } = await vault.api('POST', `${root}/root/sign-intermediate`, {
    csr: request,
    ttl: '8760h',
    use_csr_values: true,
    format: 'pem_bundle',
  });
  writeFileSync(join(directory, 'chain.pem'), String(body.data?.certificate));
  const finish = /run: (vault write \S+set-signed certificate=@)chain.pem/.exec(again.out)?.[1];
  await vault.shell(`${finish}${join(directory, 'chain.pem')}`);

  const last = await run();
  t.equal(last.code, 0, last.out);
  await storeToken();
  t.same((await runDoctor({ directory, mesh })).complaints, []);
});

t.test('a root that is not there', async (t) => {
  const { mesh } = makeMesh();
  const { code, error } = await runSetup(vault, { directory, mesh, args: ['--apply', '--root-mount', 'nope'] });
  t.equal(code, 2);
  t.match(error, /intermediate CA of .*, signed by nope: there is no PKI engine with a CA at nope; set --root-mount/);
});

t.test('a role for this service alone', async (t) => {
  const { render, pki } = await setUpTokenMesh(vault, directory, ['--only-this-service']);
  t.same((await runDoctor({ directory, mesh: render() })).complaints, []);
  const { body } = await vault.api('GET', `${pki}/roles/dataplanes`);
  t.same(body.data?.allowed_uri_sans, ['spiffe://default/web']);
  const other = await runDoctor({ directory, mesh: render(), service: 'other' });
  t.equal(other.finding('role-names').verdict, 'fail');
  t.match(other.finding('trial'), { verdict: 'fail', cause: /does not allow spiffe:\/\/default\/other/ });
});

t.test('a policy with issue', async (t) => {
  const { policy, pki } = await setUpTokenMesh(vault, directory, ['--grant-issue']);
  const { body } = await vault.api('GET', `sys/policies/acl/${policy}`);
  t.match(body.data?.policy, `path "${pki}/issue/dataplanes"`);
});

t.test('other keys than EC P-256, and common names', async (t) => {
  const common = (mesh: string) =>
    mesh.replace('auth:', `commonName: '{{ tag "kuma.io/service" }}.mesh'\n            auth:`);
  for (const keyType of ['ec-p384', 'rsa-2048']) {
    const { pki, mesh, storeToken } = makeMesh();
    const agentLines = `keyType: ${keyType}\ntags: {kuma.io/service: web}`;
    const applied = await runSetup(vault, { directory, mesh: common(mesh), agentLines, args: ['--apply'] });
    t.equal(applied.code, 0, applied.error);
    await storeToken();
    t.same((await runDoctor({ directory, mesh: common(mesh), agentLines })).complaints, []);
    t.match((await vault.api('GET', `${pki}/roles/dataplanes`)).body.data, {
      key_type: keyType.split('-')[0],
    });
  }
});
