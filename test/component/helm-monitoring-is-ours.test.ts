import { readFileSync } from 'node:fs';
import t from 'tap';
import { parse } from 'yaml';
import { INJECTED_LABEL, METRICS_PORT } from '../../src/inject/names.ts';
import { WITH_MONITORING, WITH_SIGNER } from '../helpers/chart-values.ts';
import { findManifest, openHelm } from '../helpers/helm.ts';
import { readDashboard, readRuleFile } from '../helpers/monitoring-files.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const helm = openHelm({ directory: temporaryDirectory(t) });
interface PodTemplate {
  readonly spec: { readonly containers: readonly { readonly ports: readonly object[] }[] };
}

const manifests = await helm.render(WITH_MONITORING);

t.test('alerts and dashboard are those of the folder monitoring', async (t) => {
  const { spec, metadata } = findManifest(manifests, 'PrometheusRule', 'meshcert');
  t.same(spec, readRuleFile());
  t.equal(metadata.labels?.release, 'prometheus');
  const dashboard = findManifest(manifests, 'ConfigMap', 'meshcert-dashboard');
  const { 'meshcert.json': text = '' } = dashboard.data as Record<string, string>;
  t.same(JSON.parse(text), readDashboard());
  t.match(dashboard.metadata, { labels: { grafana_dashboard: '1' }, annotations: { grafana_folder: 'meshcert' } });
});

t.test('agents are found by what injection gives them, under a job that the alert on agents knows', async (t) => {
  const { spec } = findManifest(manifests, 'PodMonitor', 'meshcert-agents');
  t.match(spec, {
    namespaceSelector: { any: true },
    selector: { matchLabels: { [INJECTED_LABEL]: 'true' } },
    podMetricsEndpoints: [
      { port: METRICS_PORT, interval: '30s', relabelings: [{ targetLabel: 'job', replacement: 'meshcert' }] },
    ],
  });
  const page = readFileSync(new URL('../../docs/monitoring.md', import.meta.url), 'utf8');
  const [, example = ''] = /^```yaml\n(scrape_configs:.*?)^```$/ms.exec(page) ?? [];
  t.match(parse(example).scrape_configs[0].relabel_configs[0], { regex: METRICS_PORT }, 'as the page says');
});

t.test('webhook and signer are found by their Services, under jobs that their alerts know', async (t) => {
  const { spec } = findManifest(manifests, 'ServiceMonitor', 'meshcert');
  const { selector, endpoints, jobLabel } = spec as {
    selector: { matchLabels: Record<string, string> };
    endpoints: { port: string; relabelings: object[] }[];
    jobLabel: string;
  };
  const services = manifests.filter(({ kind, metadata }) => {
    const wanted = Object.entries(selector.matchLabels);
    return kind === 'Service' && wanted.every(([label, value]) => metadata.labels?.[label] === value);
  });
  t.same(services.map(({ metadata }) => metadata.labels?.[jobLabel]).sort(), ['signer', 'webhook']);
  const named = { sourceLabels: ['job'], targetLabel: 'job', replacement: 'meshcert-$1' };
  t.same(endpoints[0]?.relabelings, [named]);
  for (const service of services) {
    const { ports } = service.spec as { ports: { name: string; targetPort: string }[] };
    const port = ports.find(({ name }) => name === endpoints[0]?.port);
    const component = service.metadata.labels?.['app.kubernetes.io/component'];
    const deployment = component === 'webhook' ? 'meshcert-webhook' : 'meshcert-signer-default';
    const { template } = findManifest(manifests, 'Deployment', deployment).spec as { template: PodTemplate };
    t.strictSame(template.spec.containers[0]?.ports.at(-1), { name: port?.targetPort, containerPort: 9902 });
  }
});

t.test('none of it is there unless it is asked for', async (t) => {
  const plain = await helm.render(WITH_SIGNER);
  t.same(
    plain.filter(({ apiVersion, metadata }) => apiVersion.startsWith('monitoring.') || /dashboard/.test(metadata.name)),
    [],
  );
});
