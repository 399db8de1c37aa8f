import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { writeConfiguration } from '../helpers/agent.ts';
import { freePort } from '../helpers/free-port.ts';
import { renderKubernetesAuth, renderVaultMesh } from '../helpers/kong-mesh.ts';
import { configureKongVaultPki } from '../helpers/kong-vault-pki.ts';
import { checkPairWithOpenssl, readWithOpenssl } from '../helpers/openssl.ts';
import { runMeshcert } from '../helpers/run-meshcert.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { uniqueName } from '../helpers/unique-name.ts';
import { createWorkload } from '../helpers/vault-login.ts';

const peers = await sharedPeers(t);
const { vault } = peers;
const { mount: pki, policy } = await configureKongVaultPki(vault, { mesh: 'default', mount: uniqueName('pki') });

async function prepare(change: { role?: string; address?: string } = {}) {
  const directory = temporaryDirectory(t);
  const workload = await createWorkload(peers, { directory, policies: [policy] });
  const auth = renderKubernetesAuth({ role: change.role ?? workload.role, tokenPath: workload.tokenPath });
  const mesh = renderVaultMesh({ address: change.address ?? vault.address, pki, auth, expiration: '1d' });
  return { directory, ...writeConfiguration({ directory, mesh }) };
}

t.test('it issues, delivers, and ends with 0', async (t) => {
  const { directory, identity, configFile, socket } = await prepare();
  const first = await runMeshcert(['run', '--once', '-c', configFile], { directory });
  t.match(first, { code: 0, stdout: '' });
  t.match(first.stderr, /"event":"certificate delivered"/);
  await checkPairWithOpenssl(identity);
  const { names, serialNumber } = await readWithOpenssl(readFileSync(join(identity, 'tls.crt'), 'utf8'));
  t.same(names, ['URI:spiffe://default/web']);
  t.equal(statSync(join(identity, 'tls.key')).mode & 0o777, 0o600);
  t.notOk(existsSync(socket), 'nobody is there to be asked');
  const { validToDate } = new X509Certificate(readFileSync(join(identity, 'tls.crt')));
  t.ok(validToDate.getTime() - Date.now() > 86_300_000, `the whole life at once: until ${validToDate.toISOString()}`);

  const second = await runMeshcert(['run', '--once', '-c', configFile], { directory });
  t.equal(second.code, 0, 'again, as cron does');
  t.not((await readWithOpenssl(readFileSync(join(identity, 'tls.crt'), 'utf8'))).serialNumber, serialNumber);
  await checkPairWithOpenssl(identity);
});

t.test('a role that is not there: what is wrong and what to do in the last line, and 1', async (t) => {
  const { directory, identity, configFile } = await prepare({ role: 'nope' });
  const { code, stdout, stderr } = await runMeshcert(['run', '--once', '-c', configFile], { directory });
  t.match({ code, stdout }, { code: 1, stdout: '' });
  const lines = stderr.trimEnd().split('\n');
  const why = `Vault at ${vault.address} refuses the login: there is no role "nope" in auth/kubernetes`;
  t.equal(lines.at(-1), `meshcert: ${why}; set auth.kubernetes.role to one of: vault list auth/kubernetes/role`);
  t.same(
    lines.slice(0, -1).map((line) => JSON.parse(line).event),
    [why],
    'before it, the same in the log, once',
  );
  t.notOk(existsSync(join(identity, 'tls.key')));
});

t.test('Vault that is away is waited for, as long as was said', async (t) => {
  const address = `http://127.0.0.1:${await freePort()}`;
  const { directory, configFile } = await prepare({ address });
  const { code, stderr } = await runMeshcert(['run', '--once', '--timeout', '2s', '-c', configFile], { directory });
  t.equal(code, 1);
  const said = stderr.trimEnd().split('\n');
  t.equal(
    said.at(-1),
    `meshcert: gave up before the first certificate was delivered: cannot reach Vault at ${address} while logging in: ` +
      'connection refused; check conf.fromCp.address, and that Vault runs and listens there',
  );
  t.ok(said.length > 2, `${said.length - 1} attempts`);
  t.notMatch(stderr, / {4}at /);
});
