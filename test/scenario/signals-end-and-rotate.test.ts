import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type RunningAgent, startAgent } from '../helpers/agent.ts';
import { eventually } from '../helpers/eventually.ts';
import { expectLinesOnly } from '../helpers/expect-not-ready.ts';
import { renderKubernetesAuth, renderVaultMesh } from '../helpers/kong-mesh.ts';
import { configureKongVaultPki } from '../helpers/kong-vault-pki.ts';
import { configureKubernetesAuth } from '../helpers/kubernetes-auth.ts';
import { checkPairWithOpenssl } from '../helpers/openssl.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { uniqueName } from '../helpers/unique-name.ts';
import { startVault } from '../helpers/vault.ts';
import { createWorkload } from '../helpers/vault-login.ts';
import { openVaultRelay } from '../helpers/vault-relay.ts';

/** Promised is a second; the machine may have other work. */
const END_LIMIT_MS = 5_000;

const { cluster } = await sharedPeers(t);
const directory = temporaryDirectory(t);
const vault = await startVault({ directory: join(directory, 'vault') });
t.teardown(() => {
  vault.process.kill('SIGCONT');
  return vault.stop();
});
const mount = uniqueName('kubernetes');
await configureKubernetesAuth(vault, cluster, mount);
const { policy } = await configureKongVaultPki(vault, {
  mesh: 'default',
  role: { key_type: 'ec', key_bits: '256' },
});
const relay = await openVaultRelay(vault.address);
t.teardown(() => relay.close());
const workload = await createWorkload({ vault, cluster }, { directory, policies: [policy], mount });
const auth = renderKubernetesAuth({ ...workload, mountPath: `/v1/auth/${mount}` });

async function start(options: readonly string[] = []): Promise<RunningAgent> {
  const agent = await startAgent({
    directory: join(directory, uniqueName('agent')),
    mesh: renderVaultMesh({ address: relay.address, auth }),
    options,
  });
  t.teardown(() => agent.stop());
  return agent;
}

/** Until the next login has reached the relay, and waits for the Vault behind it. */
async function whileVaultHangs<T>(work: () => T): Promise<Awaited<T>> {
  const seen = relay.calls.length;
  vault.process.kill('SIGSTOP');
  const done = await work();
  await eventually('a login waits for Vault', () =>
    relay.calls.slice(seen).some(({ path }) => path.endsWith('/login')),
  );
  return done;
}

async function expectEnd(t: Test, agent: RunningAgent, signal: 'SIGTERM' | 'SIGINT', code = 0): Promise<void> {
  const startMs = performance.now();
  agent.kill(signal);
  t.same(await agent.exited, { code, signal: null });
  const tookMs = performance.now() - startMs;
  t.ok(tookMs < END_LIMIT_MS, `${signal}: ended after ${tookMs.toFixed(0)} ms`);
  t.comment(`${signal}: ended after ${tookMs.toFixed(0)} ms`);
  t.notOk(existsSync(agent.socket), 'its socket is gone');
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  t.test(`${signal} ends it cleanly, and leaves the certificate to its readers`, async (t) => {
    const agent = await start();
    await agent.waitReady();
    await expectEnd(t, agent, signal);
    t.match(agent.log().at(-1), { event: 'stopped', level: 'info' });
    expectLinesOnly(t, agent);
    await checkPairWithOpenssl(agent.identity);
  });
}

t.test('SIGHUP rotates', async (t) => {
  const agent = await start();
  await agent.waitReady();
  const before = await agent.status();
  agent.hup();
  const after = await eventually('a second generation is delivered', async () => {
    const status = await agent.status();
    return status.deliveries[0]?.generation === 2 && status;
  });
  t.not(after.certificate?.serialNumber, before.certificate?.serialNumber);
  t.equal((await agent.metrics()).get('meshcert_rotations_total{backend="vault-1",reason="signal"}'), 1);
  t.match(
    agent
      .log()
      .filter(({ event }) => event === 'certificate issued')
      .at(-1),
    { reason: 'signal' },
  );
  await checkPairWithOpenssl(agent.identity);
});

t.test('SIGTERM while the first login waits for Vault', async (t) => {
  const agent = await whileVaultHangs(() => start());
  await expectEnd(t, agent, 'SIGTERM');
  expectLinesOnly(t, agent);
  t.notOk(
    agent.log().some(({ level }) => level === 'error'),
    'to be stopped is no failure',
  );
  vault.process.kill('SIGCONT');
});

t.test('SIGTERM while a rotation waits for Vault: the certificate stays', async (t) => {
  const agent = await start();
  await agent.waitReady();
  await whileVaultHangs(() => agent.hup());
  await expectEnd(t, agent, 'SIGTERM');
  expectLinesOnly(t, agent);
  await checkPairWithOpenssl(agent.identity);
  vault.process.kill('SIGCONT');
});

t.test('SIGHUP while a login waits for Vault: both are done when Vault is back', async (t) => {
  const agent = await start();
  await agent.waitReady();
  await whileVaultHangs(() => agent.hup());
  agent.hup();
  t.equal((await agent.probe('/readyz')).status, 200, 'the certificate it has is in service');
  vault.process.kill('SIGCONT');
  await eventually('there are two more', async () => (await agent.status()).deliveries[0]?.generation === 3);
  await checkPairWithOpenssl(agent.identity);
});

t.test('SIGTERM ends --once, which has then failed', async (t) => {
  const agent = await whileVaultHangs(() => start(['--once']));
  await expectEnd(t, agent, 'SIGTERM', 1);
  t.match(agent.output(), /^meshcert: gave up before the first certificate was delivered: [^\n]+\n$/m);
  t.notMatch(agent.output(), / {4}at /);
  vault.process.kill('SIGCONT');
});
