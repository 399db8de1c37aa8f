import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { runDoctor } from '../helpers/doctor.ts';
import { makeKubernetesMesh, setUpKubernetesMesh } from '../helpers/setup-kubernetes-login.ts';
import { runSetup } from '../helpers/setup-vault.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import type { Vault } from '../helpers/vault-client.ts';
import { openVaultRelay } from '../helpers/vault-relay.ts';

const peers = await sharedPeers(t);
const { vault } = peers;
const directory = temporaryDirectory(t);

/** All that setup makes, as Vault shows it, without what differs by nature. */
async function readAll(from: Vault, { pki, mountPath, namespace }: Awaited<ReturnType<typeof makeKubernetesMesh>>) {
  const paths = [
    `sys/mounts/${pki}/tune`,
    `${pki}/roles/dataplanes`,
    `sys/policies/acl/meshcert-${pki}-dataplanes`,
    `${mountPath}/config`,
    `${mountPath}/role/web`,
  ];
  const answers = await Promise.all(paths.map((path) => from.api('GET', path)));
  const ca = await from.api('GET', `${pki}/issuer/default`);
  const text = JSON.stringify({ data: answers.map(({ body }) => body.data), usage: ca.body.data?.usage });
  return text
    .replaceAll(pki, 'PKI')
    .replaceAll(mountPath, 'MOUNT')
    .replaceAll(namespace, 'NAMESPACE')
    .replaceAll(/"(accessor|uuid)":"[^"]*"/g, '');
}

t.test('what --apply makes is without fault, and a second run changes nothing', async (t) => {
  const mesh = await makeKubernetesMesh(peers, directory);
  const relay = await openVaultRelay(vault.address);
  t.teardown(() => relay.close());
  const args = ['--apply', ...mesh.clusterArgs];
  const run = () => runSetup({ ...vault, address: relay.address }, { directory, mesh: mesh.render(), args });

  const first = await run();
  t.equal(first.code, 0, first.error);
  t.same(first.out.match(/^made /gm)?.length, 7, first.out);
  t.same((await runDoctor({ directory, mesh: mesh.render() })).complaints, []);
  const made = await readAll(vault, mesh);

  relay.calls.length = 0;
  const second = await run();
  t.equal(second.code, 0);
  t.same(second.out.match(/^as it was /gm)?.length, 7, second.out);
  t.ok(relay.calls.length > 0);
  t.same([...new Set(relay.calls.map(({ method }) => method))], ['GET'], 'nothing is written');
  t.equal(await readAll(vault, mesh), made);
});

t.test('the printed script makes the same, and can be run again', async (t) => {
  const applied = await setUpKubernetesMesh(peers, directory);
  const printed = await makeKubernetesMesh(peers, directory);
  const { code, out } = await runSetup(vault, { directory, mesh: printed.render(), args: printed.clusterArgs });
  t.equal(code, 0);
  const reviewer = readFileSync(printed.clusterArgs.at(-1) ?? '', 'utf8');
  t.notMatch(out, reviewer.split('.')[2] ?? '', 'the script holds no secret');
  await vault.shell(out);
  const made = await readAll(vault, printed);
  t.equal(made, await readAll(vault, applied));
  t.same((await runDoctor({ directory, mesh: printed.render() })).complaints, []);
  await vault.shell(out);
  t.equal(await readAll(vault, printed), made, 'run again, it changes nothing');
  const args = ['--apply', ...printed.clusterArgs];
  const after = await runSetup(vault, { directory, mesh: printed.render(), args });
  t.same(after.out.match(/^as it was /gm)?.length, 7, 'nor has --apply anything to add');
});

t.test('what is there and differs stays, until it is forced', async (t) => {
  const mesh = await setUpKubernetesMesh(peers, directory);
  const run = (...args: readonly string[]) =>
    runSetup(vault, { directory, mesh: mesh.render(), args: ['--apply', ...mesh.clusterArgs, ...args] });
  const policy = `meshcert-${mesh.pki}-dataplanes`;
  await vault.cli(['patch', `${mesh.pki}/roles/dataplanes`, 'max_ttl=1h', 'ttl=1h', 'key_usage=CertSign']);
  await vault.cli(['write', `${mesh.mountPath}/role/web`, 'bound_service_account_names=somebody']);
  await vault.cli(['policy', 'write', policy, '-'], { stdin: 'path "x/*" { capabilities = ["read"] }' });
  const before = await readAll(vault, mesh);

  const left = await run();
  t.equal(left.code, 1, 'a caller learns of it');
  t.equal(await readAll(vault, mesh), before);
  t.match(left.out, /DIFFERS +role .*roles\/dataplanes\n +key_usage is CertSign, wanted DigitalSignature,/);
  t.match(left.out, /max_ttl is 3600, wanted 86400/);
  t.match(left.out, /bound_service_account_names is somebody, wanted web/);
  t.match(left.out, new RegExp(`DIFFERS +policy ${policy}\\n +it lacks path`));

  const forced = await run('--force');
  t.equal(forced.code, 0);
  t.same(forced.out.match(/^changed /gm)?.length, 3, forced.out);
  t.same((await runDoctor({ directory, mesh: mesh.render() })).complaints, []);
});

t.test('a path that something else has is left alone, forced or not', async (t) => {
  const mesh = await makeKubernetesMesh(peers, directory);
  await vault.cli(['secrets', 'enable', `-path=${mesh.pki}`, 'kv']);
  const args = ['--apply', '--force', ...mesh.clusterArgs];
  const { code, out, error } = await runSetup(vault, { directory, mesh: mesh.render(), args });
  t.equal(code, 1);
  t.match(out, /DIFFERS +secrets engine .*\n +it is of the type kv, not pki/);
  t.notMatch(out, /^made/m, 'and nothing is built on it');
  t.equal(error, '');
  const script = await runSetup(vault, { directory, mesh: mesh.render(), args: mesh.clusterArgs });
  await t.rejects(vault.shell(script.out), /is not of the type pki/, 'nor by the script');
  t.equal((await vault.api('LIST', mesh.pki)).status, 404, 'nothing was written into it');
});

t.test('what Vault knows of a cluster is taken as it is, when nothing is said of one', async (t) => {
  const mesh = await setUpKubernetesMesh(peers, directory);
  const { code, out } = await runSetup(vault, { directory, mesh: mesh.render(), args: ['--apply'] });
  t.equal(code, 0, out);
  t.match(out, `as it was  configuration of ${mesh.mountPath}`);
});

t.test('the token of the administrator can be the stored one', async (t) => {
  const mesh = await makeKubernetesMesh(peers, directory);
  const home = join(directory, 'home');
  mkdirSync(home);
  writeFileSync(join(home, '.vault-token'), `${vault.rootToken}\n`, { mode: 0o600 });
  const { code } = await runSetup(vault, {
    directory,
    mesh: mesh.render(),
    args: ['--apply', ...mesh.clusterArgs],
    environment: { VAULT_TOKEN: '', HOME: home },
  });
  t.equal(code, 0);
});
