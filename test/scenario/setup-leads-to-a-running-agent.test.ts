import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { startAgent, writeConfiguration } from '../helpers/agent.ts';
import { checkPairWithOpenssl, readWithOpenssl } from '../helpers/openssl.ts';
import { runMeshcert } from '../helpers/run-meshcert.ts';
import { makeServerCertificate } from '../helpers/server-certificate.ts';
import { makeKubernetesMesh } from '../helpers/setup-kubernetes-login.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { startVaultTls } from '../helpers/vault.ts';

const { cluster } = await sharedPeers(t);
const directory = temporaryDirectory(t);
const vault = await startVaultTls({ directory: join(directory, 'vault') });
t.teardown(() => vault.stop());

t.test('an empty Vault, one command to set it up, and one more to have a certificate', async (t) => {
  const kubernetes = await makeKubernetesMesh({ vault, cluster }, directory);
  const mesh = kubernetes.render({ caFile: vault.caFile });
  const { configFile } = writeConfiguration({ directory, mesh });
  const secrets = [vault.rootToken, readFileSync(kubernetes.tokenPath, 'utf8'), readReviewer(kubernetes.clusterArgs)];
  let said = '';

  const setup = await runMeshcert(['setup', 'vault', '-c', configFile, '--apply', ...kubernetes.clusterArgs], {
    directory,
    // By themselves, libraries would print requests, and ask elsewhere.
    env: { VAULT_TOKEN: vault.rootToken, DEBUG: '*', VAULT_PREFIX: '/x', HTTPS_PROXY: 'http://127.0.0.1:9' },
  });
  t.equal(setup.code, 0, setup.stderr);
  said += setup.stdout + setup.stderr;

  const other = await makeServerCertificate(directory, 'other');
  const refused = await runMeshcert(['setup', 'vault', '-c', configFile, '--apply', ...kubernetes.clusterArgs], {
    directory,
    // node-vault by itself would take that for "skip".
    env: { VAULT_TOKEN: vault.rootToken, VAULT_CACERT: other.caFile, VAULT_SKIP_VERIFY: 'false' },
  });
  t.match(refused, { code: 1, stderr: /no CA that we trust/ });
  said += refused.stdout + refused.stderr;

  const agent = await startAgent({ directory, mesh });
  t.teardown(() => agent.stop());
  await agent.waitReady();
  await checkPairWithOpenssl(agent.identity);
  const { names } = await readWithOpenssl(readFileSync(join(agent.identity, 'tls.crt'), 'utf8'));
  t.same(names, ['URI:spiffe://default/web']);
  t.same(
    agent.log().filter(({ level }) => level === 'warn' || level === 'error'),
    [],
    'the agent has nothing to complain of',
  );

  const doctor = await runMeshcert(['doctor', '-c', configFile], { directory });
  t.equal(doctor.code, 0);
  t.match(doctor.stdout, /^\d\d ok, 0 warned of, 0 failed, 0 not tried$/m, doctor.stdout);
  said += doctor.stdout + doctor.stderr;
  t.equal((await agent.rotate()).status, 200, 'and the agent goes on');

  for (const secret of secrets.flatMap((one) => [one, ...one.split('.')])) {
    if (secret.length > 20) t.notOk(said.includes(secret), 'no secret is said');
  }
});

function readReviewer(args: readonly string[]): string {
  return readFileSync(args.at(-1) ?? '', 'utf8');
}
