import t, { type Test } from 'tap';
import { SVID_USAGES, signingRequestPath } from '../../src/kubernetes/signing-request.ts';
import type { NodePod } from '../helpers/cluster-node.ts';
import { listQueries, SERVICES_ROW } from '../helpers/dashboard-queries.ts';
import { eventually } from '../helpers/eventually.ts';
import { readDashboard } from '../helpers/monitoring-files.ts';
import { makeOpensslCsr } from '../helpers/openssl-csr.ts';
import { type Prometheus, startPrometheus } from '../helpers/prometheus.ts';
import { installMonitoringKinds, readClusterRules, readScrapeConfigs } from '../helpers/prometheus-operator.ts';
import { type ChartMesh, chartLeadsToTalkingPods } from '../scenario/chart-leads-to-talking-pods.ts';

t.setTimeout(420_000);
const ROTATE = ['meshcert', 'rotate', '--socket', '/var/run/meshcert-admin/admin.sock'];
/** Instead of the minutes that the rules wait, which promtool tests. */
const PATIENCE = { for: '3s' };
const PODS = ['orders', 'web'];

t.test('from the chart to two pods that talk, and are watched', (t) =>
  chartLeadsToTalkingPods(t, {
    life: '40s',
    monitoring: {
      podMonitor: { enabled: true },
      serviceMonitor: { enabled: true },
      prometheusRule: { enabled: true },
      grafanaDashboard: { enabled: true },
    },
    prepare: installMonitoringKinds,
    watch,
  }),
);

async function watch(t: Test, mesh: ChartMesh): Promise<void> {
  const { cluster, node, directory, webhooks, signers, web, orders, traffic } = mesh;
  const { groups } = await readClusterRules(cluster);
  const prometheus = await startPrometheus({
    directory,
    scrapeConfigs: await readScrapeConfigs(cluster, [...webhooks, ...signers, web, orders]),
    rules: {
      groups: groups.map(({ name, rules }) => ({
        name,
        rules: rules.map((rule) => (rule.for === undefined ? rule : { ...rule, ...PATIENCE })),
      })),
    },
  });
  t.teardown(() => prometheus.stop());
  const rotate = (pod: NodePod) => pod.exec('meshcert', ROTATE);

  await t.test('all are scraped as the chart says, and through a rotation nothing is told', async (t) => {
    const up = () => prometheus.query('sort_desc(count by (job) (up == 1))');
    const scraped = await eventually('all six are scraped', async () => {
      const jobs = (await up()).map(({ labels, value }) => [labels.job, value]);
      return jobs.reduce((sum, [, value]) => sum + Number(value), 0) === 6 && jobs.sort();
    });
    t.same(scraped, [
      ['meshcert', 2],
      ['meshcert-signer', 2],
      ['meshcert-webhook', 2],
    ]);
    t.equal((await prometheus.query('sum(meshcert_signer_leader{mesh="default"})'))[0]?.value, 1);
    const rotated = 'changes(meshcert_certificate_not_after_timestamp_seconds{job="meshcert"}[5m]) > 0';
    const isRotated = async () => (await prometheus.query(rotated)).map(({ labels }) => labels.pod).sort();
    await eventually('both have rotated', async () => (await isRotated()).join() === PODS.join(), {
      timeoutMs: 60_000,
      everyMs: 250,
    });
    t.same(await listAlerts(prometheus, 'ALERTS'), []);
    t.same(await prometheus.ruleErrors(), []);
  });

  await t.test('every query of the dashboard on webhook and signer has an answer', async (t) => {
    await Promise.all([injectOne(mesh), denyOne(mesh)]);
    const asked = listQueries(readDashboard(), { __rate_interval: '1m' }).filter(({ row }) => row === SERVICES_ROW);
    t.ok(asked.length > 12);
    for (const { title, expression } of asked) {
      const isAnswered = async () => (await prometheus.query(expression)).some(({ value }) => Number.isFinite(value));
      await t.resolves(eventually(`${title}: ${expression}`, isAnswered));
    }
  });

  await t.test('that no signer is there is told of it and of both pods, and requests go on', async (t) => {
    await Promise.all([web, orders].map(rotate));
    await Promise.all(signers.map((signer) => node.remove(signer)));
    await Promise.all([web, orders].map((pod) => t.rejects(rotate(pod))));
    const ofPods = ['MeshcertCaUnknown', 'MeshcertOutageBudgetLow', 'MeshcertRotationFailing'].flatMap((alert) =>
      PODS.map((pod) => `${alert} of shop/${pod}`),
    );
    const expected = [...ofPods, 'MeshcertSignerDown of meshcert-system/meshcert-signer'];
    for (const state of ['pending', 'firing']) {
      const told = async () => {
        const seen = await listAlerts(prometheus, `max_over_time(ALERTS{alertstate="${state}"}[5m])`);
        return seen.join() === expected.join() || Promise.reject(new Error(seen.join()));
      };
      await eventually(`these are ${state}`, told, { timeoutMs: 20_000 });
    }
    t.same(traffic.failures.slice(0, 5), []);
  });

  await t.test('when signers are there again it is over, by itself', async (t) => {
    const others = await node.runDeployment('meshcert-system', 'meshcert-signer-default');
    prometheus.scrape(await readScrapeConfigs(cluster, [...webhooks, ...others, web, orders]));
    const isOver = async () => (await listAlerts(prometheus, 'ALERTS')).length === 0;
    await eventually('no alert is left', isOver, { timeoutMs: 30_000 });
    t.same(traffic.failures.slice(0, 5), []);
  });
}

/** A pod that is not kept. */
async function injectOne({ cluster }: ChartMesh): Promise<void> {
  const { status } = await cluster.api('POST', '/api/v1/namespaces/shop/pods?dryRun=All', {
    metadata: { name: 'another', labels: { app: 'web' } },
    spec: { serviceAccountName: 'web', containers: [{ name: 'app', image: 'node' }] },
  });
  if (status !== 201) throw new Error(`it was refused: ${status}`);
}

/** A request of the administrator, who is no service account. */
async function denyOne({ cluster }: ChartMesh): Promise<void> {
  const request = Buffer.from(await makeOpensslCsr({})).toString('base64');
  const { status } = await cluster.api('POST', signingRequestPath(), {
    metadata: { name: 'of-the-administrator' },
    spec: { request, signerName: 'meshcert.io/default', usages: SVID_USAGES },
  });
  if (status !== 201) throw new Error(`it was refused: ${status}`);
}

/** @returns `ALERT of NAMESPACE/POD`, or of a job, where it is about all its pods. */
async function listAlerts(prometheus: Prometheus, expression: string): Promise<string[]> {
  const samples = await prometheus.query(expression);
  return samples.map(({ labels }) => `${labels.alertname} of ${labels.namespace}/${labels.pod ?? labels.job}`).sort();
}
