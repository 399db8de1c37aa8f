import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import t from 'tap';
import { type RunningAgent, startAgent } from '../helpers/agent.ts';
import { listChoices, listQueries, SERVICES_ROW } from '../helpers/dashboard-queries.ts';
import { eventually } from '../helpers/eventually.ts';
import { freePort } from '../helpers/free-port.ts';
import { renderBuiltinMesh, renderVaultMesh } from '../helpers/kong-mesh.ts';
import { configureKongVaultPki } from '../helpers/kong-vault-pki.ts';
import { readDashboard, readRuleFile } from '../helpers/monitoring-files.ts';
import { startPrometheus, telemetryAddress } from '../helpers/prometheus.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { uniqueName } from '../helpers/unique-name.ts';
import { openVaultRelay } from '../helpers/vault-relay.ts';

t.setTimeout(240_000);
const LIFE = '60s';
/** What the token of the agent that falls ill lives without being renewed. */
const TOKEN_LIFE = '45s';

const directory = temporaryDirectory(t);
const { vault } = await sharedPeers(t);
const relay = await openVaultRelay(vault.address);
t.teardown(() => relay.close());
const server = await startReloadingServer();

const well = await startAgent({ directory: join(directory, 'well'), mesh: renderBuiltinMesh(LIFE), service: 'well' });
t.teardown(() => well.stop());
const ill = await startOnVault();
t.teardown(() => ill.stop());
await Promise.all([well.waitReady(), ill.waitReady()]);

const [wellAddress, illAddress] = [telemetryAddress(well), telemetryAddress(ill)];
const { groups } = readRuleFile();
const patience = { for: '3s' };
const prometheus = await startPrometheus({
  directory,
  // One as on a machine, one with the labels that pods have.
  scrapeConfigs: [
    { job_name: 'meshcert', static_configs: [{ targets: [wellAddress] }] },
    {
      job_name: 'shop/meshcert',
      static_configs: [{ targets: [illAddress], labels: { namespace: 'shop', pod: 'ill-1' } }],
    },
  ],
  rules: {
    groups: groups.map(({ name, rules }) => ({
      name,
      rules: rules.map((rule) => (rule.for === undefined ? rule : { ...rule, ...patience })),
    })),
  },
});
t.teardown(() => prometheus.stop());

/** Alerts that were in this state at any time, as `NAME of POD or ADDRESS`. */
async function listAlerts(state: 'pending' | 'firing'): Promise<string[]> {
  const samples = await prometheus.query(`max_over_time(ALERTS{alertstate="${state}"}[5m])`);
  return samples.map(({ labels }) => `${labels.alertname} of ${labels.pod ?? labels.instance}`).sort();
}

async function waitFor(state: 'pending' | 'firing', names: readonly string[], timeoutMs = 20_000): Promise<void> {
  const see = async () => {
    const seen = await listAlerts(state);
    const missing = names.filter((name) => !seen.includes(`${name} of ill-1`));
    if (missing.length > 0) throw new Error(`${state} are only ${seen.join(', ')}`);
    return true;
  };
  await eventually(`${names.join(', ')} of ill-1 are ${state}`, see, { timeoutMs, everyMs: 200 });
}

async function readPanel(title: string): Promise<number | undefined> {
  const query = listQueries(readDashboard(), ALL).find((one) => one.title === title);
  return (await prometheus.query(query?.expression ?? ''))[0]?.value;
}

const ALL = { job: '.*', mesh: '.*', workload: 'spiffe://default/ill', instance: illAddress, __rate_interval: '1m' };

t.test('while both are well, both are scraped and nothing is told', async (t) => {
  const scrapes = async () => {
    const samples = await prometheus.query('count_over_time(up[1m]) >= 5 and sum_over_time(up[1m]) >= 5');
    return samples.length === 2;
  };
  await eventually('both were scraped for some seconds', scrapes, { timeoutMs: 20_000 });
  await Promise.all([well.rotate(), ill.rotate()]);
  await eventually('the dashboard counts both', async () => (await readPanel('Agents')) === 2);
  t.same(await listAlerts('firing'), []);
  t.same(await prometheus.ruleErrors(), []);
  t.equal(await readPanel('CA unknown'), 0);
  t.equal(await readPanel('Without a certificate'), 0);
});

t.test('a program that does not take the new certificate is told', async (t) => {
  server.isStubborn = true;
  t.equal((await ill.rotate()).status, 200);
  await waitFor('pending', ['MeshcertNotServed']);
  await waitFor('firing', ['MeshcertNotServed']);
  t.equal(await readPanel('Not served'), 1);
  t.same(await listAlerts('firing'), ['MeshcertNotServed of ill-1']);
});

t.test(
  'a CA that is gone is told, first as a warning, and every query of the dashboard on agents has an answer',
  async (t) => {
    await relay.close();
    t.not((await ill.rotate()).status, 200);
    const early = ['MeshcertCaUnknown', 'MeshcertOutageBudgetLow', 'MeshcertRotationFailing'];
    await waitFor('pending', early);
    await waitFor('firing', early);
    const [failing] = await prometheus.query('ALERTS{alertname="MeshcertRotationFailing", alertstate="firing"}');
    t.match(failing?.labels, { backend: 'vault-1', reason: 'ca_unreachable', namespace: 'shop', pod: 'ill-1' });
    t.equal(await readPanel('CA unknown'), 1);
    t.equal(await readPanel('Without a certificate'), 0, 'as the certificate in service is kept');

    const dashboard = readDashboard();
    const onAgents = listQueries(dashboard, ALL).filter(({ row }) => row !== SERVICES_ROW);
    const queries = [...listChoices(dashboard, ALL), ...onAgents];
    t.ok(queries.length > 45);
    for (const { title, expression } of queries) {
      const samples = await prometheus.query(expression);
      t.ok(
        samples.some(({ value }) => Number.isFinite(value)),
        `${title}: ${expression}`,
      );
    }
  },
);

t.test('as nobody mends it, the certificate is said to expire, then to be gone; nobody else is blamed', async (t) => {
  await waitFor('firing', ['MeshcertCertificateExpiresBeforeRotation', 'MeshcertCredentialExpired'], 90_000);
  await waitFor('firing', ['MeshcertNoCertificate'], 30_000);
  t.equal(await readPanel('Without a certificate'), 1);
  t.equal(await readPanel('Agents'), 2);
  await ill.stop();
  await waitFor('firing', ['MeshcertAgentDown']);
  const names = [
    'AgentDown',
    'CaUnknown',
    'CertificateExpiresBeforeRotation',
    'CredentialExpired',
    'NoCertificate',
    'NotServed',
    'OutageBudgetLow',
    'RotationFailing',
  ];
  t.same(
    await listAlerts('firing'),
    names.map((name) => `Meshcert${name} of ill-1`),
  );
  t.same(await prometheus.ruleErrors(), []);
});

async function startOnVault(): Promise<RunningAgent> {
  const pki = uniqueName('pki');
  const { policy } = await configureKongVaultPki(vault, { mesh: 'default', mount: pki });
  const token = await vault.cli(['token', 'create', '-field=token', `-policy=${policy}`, `-period=${TOKEN_LIFE}`]);
  const tokenFile = join(directory, 'token');
  writeFileSync(tokenFile, token, { mode: 0o600 });
  const sds = `{socket: ${join(directory, 'sds.sock')}}`;
  return startAgent({
    directory: join(directory, 'ill'),
    mesh: renderVaultMesh({ address: relay.address, pki, expiration: LIFE, auth: `{token: {file: ${tokenFile}}}` }),
    service: 'ill',
    deliver: `{files: [{directory: ${server.identity}}], sds: ${sds}, verify: [{tls: "127.0.0.1:${server.port}"}]}`,
  });
}

/** Stands for a program that serves its certificate; reads the files for each connection, unless it is stubborn. */
async function startReloadingServer() {
  const identity = join(directory, 'identity');
  const port = await freePort();
  const state = { isStubborn: false, identity, port };
  const tls = createServer();
  // Before the listener that makes a TLS socket of it.
  tls.prependListener('connection', () => {
    if (state.isStubborn) return;
    const [cert, key] = ['tls.crt', 'tls.key'].map((name) => readFileSync(join(identity, '..data', name)));
    tls.setSecureContext({ cert, key });
  });
  tls.on('tlsClientError', () => undefined);
  tls.on('secureConnection', (socket) => void socket.on('error', () => undefined).resume());
  await new Promise<void>((resolve) => tls.listen(port, '127.0.0.1', resolve));
  t.teardown(() => tls.close());
  return state;
}
