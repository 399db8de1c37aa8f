import { mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { METRICS_PORT } from '../../src/inject/names.ts';
import { startAgent } from '../helpers/agent.ts';
import { WITH_SIGNER } from '../helpers/chart-values.ts';
import { eventually } from '../helpers/eventually.ts';
import { freePort } from '../helpers/free-port.ts';
import { findManifest, openHelm } from '../helpers/helm.ts';
import { renderBuiltinMesh } from '../helpers/kong-mesh.ts';
import { readRuleFile } from '../helpers/monitoring-files.ts';
import { startPrometheus, telemetryAddress } from '../helpers/prometheus.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

interface PodTemplate {
  readonly template: { readonly metadata: { readonly labels: Readonly<Record<string, string>> } };
}

interface ScrapeFile {
  readonly scrape_configs: readonly [Readonly<Record<string, unknown>>];
}

const page = readFileSync(resolve(import.meta.dirname, '../../docs/monitoring.md'), 'utf8');
const [forPods = {}, forMachines = {}, forServices = {}] = [
  ...page.matchAll(/^```yaml\n(scrape_configs:.*?)^```$/gms),
].map(([, text = '']) => {
  return (parse(text) as ScrapeFile).scrape_configs[0];
});
const directory = temporaryDirectory(t);
const agent = await startAgent({ directory: join(directory, 'agent'), mesh: renderBuiltinMesh('1h') });
t.teardown(() => agent.stop());
await agent.waitReady();
const instance = telemetryAddress(agent);

/**
 * Stands for Prometheus's discovery of pods, which Debian leaves out: the labels that it gives to a port of a container. What
 * the documented rules make of them is Prometheus's own doing.
 */
function discover(pod: string, portName: string, phase = 'Running') {
  const labels = {
    __meta_kubernetes_namespace: 'shop',
    __meta_kubernetes_pod_name: pod,
    __meta_kubernetes_pod_phase: phase,
    __meta_kubernetes_pod_container_port_name: portName,
  };
  return { targets: [instance], labels };
}

/** What it gives to the pods of a Deployment of the chart. */
async function discoverPods(deployment: string): Promise<Record<string, string>> {
  const manifests = await openHelm({ directory }).render(WITH_SIGNER);
  const { template } = findManifest(manifests, 'Deployment', deployment).spec as PodTemplate;
  const labels = Object.entries(template.metadata.labels).map(([name, value]) => [
    `__meta_kubernetes_pod_label_${name.replaceAll(/\W/g, '_')}`,
    value,
  ]);
  return {
    ...Object.fromEntries(labels),
    __meta_kubernetes_namespace: 'meshcert-system',
    __meta_kubernetes_pod_name: `${deployment}-0`,
  };
}

t.test(
  'as documented, Prometheus finds pods by the name of the port, and machines, and alerts know both',
  async (t) => {
    const { kubernetes_sd_configs: discovery, ...rules } = forPods;
    t.same(discovery, [{ role: 'pod' }]);
    const found = [
      discover('web-1', METRICS_PORT),
      discover('db-1', 'postgres'),
      discover('job-1', METRICS_PORT, 'Succeeded'),
    ];
    const prometheus = await startPrometheus({
      directory,
      scrapeConfigs: [
        { ...rules, static_configs: found },
        // A job of another name, as two of one are refused.
        { ...forMachines, job_name: 'meshcert-machines', static_configs: [{ targets: [instance] }] },
      ],
      rules: readRuleFile(),
    });
    t.teardown(() => prometheus.stop());
    await eventually('both are scraped', async () => (await prometheus.query('up == 1')).length === 2, {
      timeoutMs: 30_000,
      everyMs: 250,
    });
    const labels = (await prometheus.query('meshcert_certificate_not_after_timestamp_seconds > time()')).map(
      (sample) => sample.labels,
    );
    const __name__ = 'meshcert_certificate_not_after_timestamp_seconds';
    t.same(
      labels.sort((a, b) => String(a.job).localeCompare(String(b.job))),
      [
        { __name__, job: 'meshcert', instance, namespace: 'shop', pod: 'web-1' },
        { __name__, job: 'meshcert-machines', instance },
      ],
      'and neither a port of another name nor a pod that has ended',
    );

    await agent.stop();
    const pending = 'ALERTS{alertname="MeshcertAgentDown", alertstate="pending"}';
    const down = await eventually('both are missed', async () => {
      const samples = await prometheus.query(pending);
      return samples.length === 2 && samples.map((sample) => sample.labels.pod ?? 'machine').sort();
    });
    t.same(down, ['machine', 'web-1']);
  },
);

t.test(
  'as documented, Prometheus finds webhook and signer, and what is told of them is not told of an agent',
  async (t) => {
    const { kubernetes_sd_configs: discovery, ...rules } = forServices;
    t.same(discovery, [{ role: 'pod', namespaces: { names: ['meshcert-system'] } }]);
    const discovered = await Promise.all(['meshcert-webhook', 'meshcert-signer-default'].map(discoverPods));
    const away = `127.0.0.1:${await freePort()}`;
    const found = discovered.flatMap((labels) =>
      ['metrics', 'https'].map((port) => ({
        targets: [away],
        labels: { ...labels, __meta_kubernetes_pod_container_port_name: port },
      })),
    );
    const own = join(directory, 'services');
    mkdirSync(own);
    const prometheus = await startPrometheus({
      directory: own,
      scrapeConfigs: [{ ...rules, static_configs: found }],
      rules: readRuleFile(),
    });
    t.teardown(() => prometheus.stop());
    const told = async () => {
      const samples = await prometheus.query('ALERTS');
      const lines = samples.map(({ labels }) => `${labels.alertname} ${labels.job} ${labels.namespace} ${labels.mesh}`);
      return lines.length >= 2 && lines.sort();
    };
    t.same(await eventually('both are missed', told, { timeoutMs: 30_000 }), [
      'MeshcertSignerDown meshcert-signer meshcert-system default',
      'MeshcertWebhookDown meshcert-webhook meshcert-system undefined',
    ]);
    t.same(await prometheus.ruleErrors(), []);
  },
);
