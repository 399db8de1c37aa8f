import { mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type RunningAgent, startAgent } from '../helpers/agent.ts';
import { eventually } from '../helpers/eventually.ts';
import { configureKongVaultPki } from '../helpers/kong-vault-pki.ts';
import { startMeshTraffic } from '../helpers/mesh-traffic.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { inForce, TestCa } from '../helpers/test-ca.ts';
import { startVault } from '../helpers/vault.ts';

const directory = temporaryDirectory(t);
const vault = await startVault({ directory: join(directory, 'vault') });
t.teardown(() => vault.stop());
const { policy } = await configureKongVaultPki(vault, { mesh: 'default', role: { key_type: 'ec', key_bits: '256' } });
const tokenFile = join(directory, 'token');
writeFileSync(tokenFile, (await vault.cli(['token', 'create', '-field=token', `-policy=${policy}`])).trim());
const company = await TestCa.makeRoot('company', inForce());
writeFileSync(join(directory, 'company.crt'), company.certificatePem);
writeFileSync(join(directory, 'company.key'), company.keyPem, { mode: 0o600 });
const sharedCa = join(directory, 'ca');
mkdirSync(sharedCa);

const rotation = 'dpCert: {rotation: {expiration: 20s}}';
const BACKENDS = {
  vault: `{name: vault, type: vault, ${rotation}, conf: {fromCp: {address: "${vault.address}", auth: {token: {file: ${tokenFile}}}}}}`,
  company: `{name: company, type: provided, ${rotation}, conf: {cert: {file: ${directory}/company.crt}, key: {file: ${directory}/company.key}}}`,
  own: `{name: own, type: builtin, ${rotation}}`,
};
type Backend = keyof typeof BACKENDS;
const renderMesh = (enabled: Backend) =>
  `type: Mesh\nname: default\nmtls:\n  enabledBackend: ${enabled}\n  backends: [${Object.values(BACKENDS).join(', ')}]\n`;

/** Whose builtin CA, kept beside it, is that of the other one. */
async function start(service: string): Promise<RunningAgent> {
  const folder = join(directory, service);
  mkdirSync(join(folder, '.meshcert'), { recursive: true });
  symlinkSync(sharedCa, join(folder, '.meshcert/ca'));
  const agent = await startAgent({ directory: folder, mesh: renderMesh('vault'), service });
  t.teardown(() => agent.stop());
  await agent.waitReady();
  return agent;
}

function edit({ configFile }: RunningAgent, change: (text: string) => string): void {
  writeFileSync(`${configFile}.new`, change(readFileSync(configFile, 'utf8')));
  renameSync(`${configFile}.new`, configFile);
}

const agents = { server: await start('backend'), client: await start('frontend') };
const both = Object.values(agents);
const traffic = await startMeshTraffic({
  directory,
  server: { spiffeId: 'spiffe://default/backend', identity: agents.server.identity },
  client: { spiffeId: 'spiffe://default/frontend', identity: agents.client.identity },
});
t.teardown(() => traffic.stop());

/** Both Envoys talk with certificates that this CA has issued. */
async function talkBy(backend: Backend): Promise<void> {
  for (const [agent, side] of [
    [agents.server, 'serverSerial'],
    [agents.client, 'clientSerial'],
  ] as const) {
    const issued = await eventually(
      `${backend} has issued`,
      async () => {
        const { certificate } = await agent.status();
        return certificate?.backend === backend && certificate;
      },
      { timeoutMs: 40_000 },
    );
    await eventually(`Envoy shows it`, () => traffic.firstSeenMs(side, issued.serialNumber) !== undefined);
  }
}

t.test('every agent trusts all CAs of the mesh before one of them is changed', async (t) => {
  for (const agent of both) {
    await eventually('the bundle holds three CAs', async () => {
      return (await agent.status()).certificate?.trustBundleCertificates === 3;
    });
  }
  await talkBy('vault');
  t.same(traffic.failures(), []);
});

for (const [from, to] of [
  ['vault', 'company'],
  ['company', 'own'],
  ['own', 'vault'],
] as const) {
  t.test(`from ${from} to ${to}, one service after the other`, async (t) => {
    for (const agent of both) edit(agent, (text) => text.replace(`enabledBackend: ${from}`, `enabledBackend: ${to}`));
    await talkBy(to);
    const before = traffic.exchanges.length;
    await eventually('more requests are sent', () => traffic.exchanges.length > before + 20);
    t.same(traffic.failures().slice(0, 3), [], `${traffic.exchanges.length} requests, each answered`);
  });
}

t.test('a standby issues while Vault is stopped, and Vault again when it is back', async (t) => {
  const standby = 'type: Agent\nrotation: {standbyBackends: [company]}\n';
  for (const agent of both) edit(agent, (text) => text.replace('type: Agent\n', standby));
  for (const agent of both) {
    await eventually('it has read that', () => {
      return agent.log().filter(({ event }) => event === 'configuration changed').length === 4;
    });
  }
  vault.process.kill('SIGSTOP');
  await talkBy('company');
  for (const agent of both) {
    t.equal((await agent.metrics()).get('meshcert_rotations_total{backend="company",reason="standby"}'), 1);
  }
  vault.process.kill('SIGCONT');
  await talkBy('vault');
  t.same(traffic.failures().slice(0, 3), [], `${traffic.exchanges.length} requests, each answered`);
});
