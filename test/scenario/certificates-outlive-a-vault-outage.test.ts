import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import t from 'tap';
import { eventually } from '../helpers/eventually.ts';
import { expectLinesOnly } from '../helpers/expect-not-ready.ts';
import { renderKubernetesAuth, renderVaultMesh } from '../helpers/kong-mesh.ts';
import { configureKongVaultPki } from '../helpers/kong-vault-pki.ts';
import { configureKubernetesAuth } from '../helpers/kubernetes-auth.ts';
import { checkPairWithOpenssl } from '../helpers/openssl.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { startTwoServices } from '../helpers/two-services.ts';
import { uniqueName } from '../helpers/unique-name.ts';
import { startVaultTls } from '../helpers/vault.ts';

const { cluster } = await sharedPeers(t);
const directory = join(temporaryDirectory(t), 'vault');
let vault = await startVaultTls({ directory });
t.teardown(async () => {
  vault.process.kill('SIGKILL');
  await vault.process.exited;
});
const authMount = uniqueName('kubernetes');
await configureKubernetesAuth(vault, cluster, authMount);
const { policy } = await configureKongVaultPki(vault, { mesh: 'default', role: { key_type: 'ec', key_bits: '256' } });

t.test('Vault hangs for longer than the last fifth of a life, and comes back as another process', async (t) => {
  const services = await startTwoServices(
    t,
    { vault, cluster },
    {
      policy,
      authMount,
      renderMesh: ({ role, tokenPath }) =>
        renderVaultMesh({
          address: vault.address,
          caFile: vault.caFile,
          expiration: '20s',
          requestTimeout: '2s',
          auth: renderKubernetesAuth({ role, tokenPath, mountPath: `/v1/auth/${authMount}` }),
        }),
    },
  );
  const { traffic } = services;
  const agents = [services.backend.agent, services.frontend.agent];
  await eventually('requests are answered', () => traffic.exchanges.length > 20);
  vault.process.kill('SIGSTOP');
  const lives = await Promise.all(
    agents.map(async (agent) => {
      const { certificate, regenerations } = await agent.status();
      t.equal(regenerations, 1, 'nothing has rotated yet');
      return { serialNumber: certificate?.serialNumber, notAfterMs: Date.parse(certificate?.notAfter ?? '') };
    }),
  );
  const firstEndMs = Math.min(...lives.map(({ notAfterMs }) => notAfterMs));
  const lastEndMs = Math.max(...lives.map(({ notAfterMs }) => notAfterMs));

  await t.test('until it expires, the old certificate stays in service', async (t) => {
    for (const agent of agents) {
      await eventually('a rotation fails', () => agent.log().some(({ level }) => level === 'error'), {
        timeoutMs: 25_000,
      });
    }
    t.ok(Date.now() < firstEndMs, `the first rotation has failed ${firstEndMs - Date.now()} ms before the first end`);
    for (const [index, agent] of agents.entries()) {
      t.equal((await agent.probe('/readyz')).status, 200, 'ready');
      t.match(await agent.status(), {
        ready: true,
        certificate: { serialNumber: lives[index]?.serialNumber },
        ca: { state: 'Unknown', reason: /^no (answer|connection) .* within 2 s while (logging in|signing)/ },
        lastError: { code: 'ERR_CA_UNREACHABLE', retryAt: String },
      });
      const metrics = await agent.metrics();
      t.equal(metrics.get('meshcert_ca_connected{backend="vault-1"}'), 0);
      const failures = metrics.get('meshcert_rotation_failures_total{backend="vault-1",reason="ca_unreachable"}') ?? 0;
      t.ok(failures >= 1, `${failures} failures are counted`);
      await checkPairWithOpenssl(agent.identity);
    }
  });

  await t.test('when it has expired, it is served to nobody', async (t) => {
    await wait(Math.max(0, lastEndMs - Date.now()));
    for (const agent of agents) {
      await eventually('it is not ready', async () => (await agent.probe('/readyz')).status === 503);
      const { text } = await eventually('it is taken back from its readers', async () => {
        const answer = await agent.probe('/readyz');
        return answer.text.includes('holds no certificate') && answer;
      });
      t.match(text, /certificate: expired at 20.*Z: .*Vault.*within 2 s while (logging in|signing)/);
      t.equal((await agent.probe('/healthz')).status, 200, 'alive');
      const names = readdirSync(realpathSync(join(agent.identity, '..data')));
      t.same(names.toSorted(), ['ca.crt', 'tls_certificate_sds.yaml', 'validation_context_sds.yaml']);
      t.match(readFileSync(join(agent.identity, 'tls_certificate_sds.yaml'), 'utf8'), /resources: \[\]/);
      const events = agent.log().map(({ event }) => event);
      t.ok(events.includes('certificate expired') && events.includes('certificate withdrawn'));
    }
    const [first] = await eventually('requests fail', () => traffic.failures().length > 0 && traffic.failures());
    const firstMs = (first?.sentAtMs ?? 0) + (first?.latencyMs ?? 0);
    t.ok(firstMs >= firstEndMs, `first after ${Math.round(firstMs - firstEndMs)} ms: ${first?.failure}`);
    const good = traffic.exchanges.filter(({ failure }) => failure === undefined);
    const lateMs = firstEndMs - (good.at(-1)?.sentAtMs ?? 0);
    t.ok(lateMs < 1_000, `and the last answer was ${lateMs} ms before the end`);
    t.comment(
      `${good.length} requests answered before the end; the first failed ${Math.round(firstMs - firstEndMs)} ms after it`,
    );
  });

  await t.test('when Vault is back, so are they, without a restart', async (t) => {
    vault.process.kill('SIGKILL');
    await vault.process.exited;
    vault = await startVaultTls({ directory }, vault);
    const backMs = Date.now();
    for (const [index, agent] of agents.entries()) {
      await agent.waitReady(60_000);
      const status = await agent.status();
      t.match(status, { regenerations: 2, ca: { state: 'Connected' }, agent: { pid: agent.pid } });
      t.not(status.certificate?.serialNumber, lives[index]?.serialNumber);
      t.equal(status.lastError?.retryAt, undefined, 'what was overcome is no longer in the way');
      await checkPairWithOpenssl(agent.identity);
      expectLinesOnly(t, agent);
    }
    t.comment(`ready ${Date.now() - backMs} ms after Vault`);
    const from = await eventually('requests are answered', () => {
      return traffic.exchanges.at(-1)?.failure === undefined && traffic.exchanges.length;
    });
    await eventually('for a while', () => traffic.exchanges.length > from + 40);
    t.same(
      traffic.exchanges.slice(from).filter(({ failure }) => failure !== undefined),
      [],
      'and each from then on',
    );
  });
});
