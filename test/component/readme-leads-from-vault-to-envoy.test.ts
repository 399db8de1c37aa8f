import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { startAgent } from '../helpers/agent.ts';
import { startEnvoy } from '../helpers/envoy.ts';
import { eventually } from '../helpers/eventually.ts';
import { renderKubernetesAuth, renderVaultMesh } from '../helpers/kong-mesh.ts';
import { configureKongVaultPki } from '../helpers/kong-vault-pki.ts';
import { configureKubernetesAuth } from '../helpers/kubernetes-auth.ts';
import { checkPairWithOpenssl, readServedWithOpenssl, readWithOpenssl } from '../helpers/openssl.ts';
import { plainEnvironment } from '../helpers/process.ts';
import { runCommand } from '../helpers/run-command.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { uniqueName } from '../helpers/unique-name.ts';
import { startVault } from '../helpers/vault.ts';

const ROOT = new URL('../../', import.meta.url);
const pages = ['README.md', 'docs/vault.md', 'docs/envoy.md'].map((page) => readFileSync(new URL(page, ROOT), 'utf8'));
const readme = pages.join('\n');

/** The one block of this language that holds the text. */
function findBlock(language: 'sh' | 'yaml', text: string): string {
  const blocks = [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(
    ([, one = '']) => one,
  );
  const [found, ...more] = blocks.filter((one) => one.includes(text));
  if (found === undefined || more.length > 0) throw new Error(`${more.length} blocks too many, or none, hold ${text}`);
  return found;
}

function readText(file: string): Promise<string> {
  return runCommand('openssl', ['x509', '-in', file, '-noout', '-text'], { env: plainEnvironment(directory) });
}

const { cluster } = await sharedPeers(t);
const directory = temporaryDirectory(t);

t.test('what the README runs in Vault gives a pod and a VM their certificates, which its Envoy serves', async (t) => {
  // Its names are those of the README, so it is shared with nobody.
  const vault = await startVault({ directory: join(directory, 'vault') });
  t.teardown(() => vault.stop());
  await vault.shell(findBlock('sh', 'secrets enable'));
  // Where the cluster is, is each reader's own; the rest of the block is two words.
  t.match(findBlock('sh', 'auth enable'), /^vault auth enable kubernetes\nvault write auth\/kubernetes\/config /);
  const mount = uniqueName('kubernetes');
  await configureKubernetesAuth(vault, cluster, mount);
  await vault.api('POST', 'sys/remount', { from: `auth/${mount}`, to: 'auth/kubernetes' });
  await eventually('it is moved', async () => (await vault.api('GET', 'auth/kubernetes/config')).status === 200);
  await vault.shell(findBlock('sh', 'bound_service_account_names'));
  const vaultToken = join(directory, 'vault-token');
  writeFileSync(vaultToken, await vault.shell(findBlock('sh', 'token create')));

  const pod = parse(findBlock('yaml', 'kind: Pod'));
  const { namespace } = pod.metadata;
  await cluster.createNamespace(namespace);
  await cluster.createServiceAccount(namespace, pod.spec.serviceAccountName);
  const made = await cluster.api('POST', `/api/v1/namespaces/${namespace}/pods?fieldValidation=Strict`, pod);
  t.equal(made.status, 201, `the API server takes the pod: ${made.body.message ?? 'yes'}`);
  const tokenPath = join(directory, 'service-account-token');
  const audiences = [pod.spec.volumes.at(-1).projected.sources[0].serviceAccountToken.audience];
  writeFileSync(tokenPath, await cluster.createToken(namespace, pod.spec.serviceAccountName, { audiences }));

  const auths = {
    pod: renderKubernetesAuth({ role: 'web', tokenPath, audience: 'vault' }),
    vm: `{token: {file: ${vaultToken}}}`,
  };
  for (const [name, auth] of Object.entries(auths)) {
    const agent = await startAgent({
      directory: join(directory, name),
      mesh: renderVaultMesh({ address: vault.address, auth, expiration: '24h' }),
    });
    t.teardown(() => agent.stop());
    await agent.waitReady();
    await checkPairWithOpenssl(agent.identity);
    const warnings = agent.log().filter(({ level }) => level !== 'info');
    t.same(warnings, [], `${name}: a certificate that nothing is wrong with`);
    const text = await readText(join(agent.identity, 'tls.crt'));
    t.match(text, /id-ecPublicKey/, 'the role leaves the type of the key to the agent');
    if (name === 'vm') continue;

    const service = createServer().listen(0, '127.0.0.1');
    await once(service, 'listening');
    t.teardown(() => service.close());
    const config = findBlock('yaml', 'static_resources')
      .replaceAll('/var/run/meshcert/identity', agent.identity)
      .replace('10443', '0')
      .replace('8080', `${(service.address() as AddressInfo).port}`);
    const envoy = await startEnvoy({ directory: join(directory, 'envoy'), config });
    t.teardown(() => envoy.stop());
    const listening = await envoy.listenerPort('mtls');
    const read = () => readWithOpenssl(readFileSync(join(agent.identity, 'tls.crt'), 'utf8'));
    t.same(await readServedWithOpenssl(listening, agent.identity), await read());
    await agent.rotate();
    const { serialNumber } = await read();
    await eventually('Envoy serves the next one', async () => {
      return (await readServedWithOpenssl(listening, agent.identity)).serialNumber === serialNumber;
    });
  }
});

t.test('what the README says of the role of Kong Mesh is so, and its command mends it', async (t) => {
  const { vault } = await sharedPeers(t);
  const mount = uniqueName('pki');
  const { policy } = await configureKongVaultPki(vault, { mesh: 'default', mount, grant: 'issue' });
  const token = (await vault.cli(['token', 'create', `-policy=${policy}`, '-field=token'])).trim();
  const agentDirectory = join(directory, 'kong');
  mkdirSync(agentDirectory);
  const agent = await startAgent({
    directory: agentDirectory,
    mesh: renderVaultMesh({ address: vault.address, pki: mount, auth: `{token: {inlineString: ${token}}}` }),
  });
  t.teardown(() => agent.stop());
  await agent.waitReady();
  const countWarnings = () => agent.log().filter(({ event }) => /without key usage/.test(event)).length;
  t.equal(countWarnings(), 1, 'a certificate without key usage is warned of');

  await vault.shell(findBlock('sh', 'vault patch').replace('kuma-pki-default', mount));
  const { body } = await vault.api('GET', `${mount}/roles/dataplanes`);
  t.match(body.data, { key_type: 'any', key_usage: ['DigitalSignature', 'KeyEncipherment', 'KeyAgreement'] });
  await vault.cli(['policy', 'write', policy, '-'], {
    stdin: findBlock('sh', 'secrets enable')
      .split('\n')
      .filter((line) => line.startsWith('path '))
      .join('\n')
      .replace('kuma-pki-default', mount),
  });
  t.equal((await agent.rotate()).status, 200, 'and with sign alone a certificate is had as before');
  const text = await readText(join(agent.identity, 'tls.crt'));
  t.match(text, /X509v3 Key Usage.*\n\s*Digital Signature, Key Encipherment, Key Agreement/);
});
