/**
 * Stands for the Prometheus operator, and for Prometheus's discovery of pods and Services, which Debian leaves out: from the monitors
 * and rules in a cluster to the configuration of a Prometheus beside the pods that run now. Left out: what is changed later, all that our
 * chart does not use, and the operator's schemas. What the rules for labels make of a target is Prometheus's own doing.
 *
 * @module
 */
import type { NodePod } from './cluster-node.ts';
import { eventually } from './eventually.ts';
import type { Cluster } from './kube-client.ts';
import type { RuleFile } from './monitoring-files.ts';

const GROUP = 'monitoring.coreos.com';
const KINDS = ['PodMonitor', 'ServiceMonitor', 'PrometheusRule'] as const;

type Labels = Readonly<Record<string, string>>;
interface Metadata {
  readonly namespace: string;
  readonly name: string;
  readonly labels?: Labels;
}
interface Selector {
  readonly matchLabels: Labels;
}
interface Relabeling {
  readonly sourceLabels?: readonly string[];
  readonly targetLabel: string;
  readonly replacement: string;
}
interface PodMonitor {
  readonly metadata: Metadata;
  readonly spec: {
    readonly namespaceSelector: { readonly any: true };
    readonly selector: Selector;
    readonly podMetricsEndpoints: readonly {
      readonly port: string;
      readonly relabelings?: readonly Relabeling[];
    }[];
  };
}
interface ServiceMonitor {
  readonly metadata: Metadata;
  readonly spec: {
    readonly jobLabel: string;
    readonly podTargetLabels: readonly string[];
    readonly selector: Selector;
    readonly endpoints: readonly { readonly port: string; readonly relabelings?: readonly Relabeling[] }[];
  };
}
interface Service {
  readonly metadata: Metadata;
  readonly spec: { readonly selector?: Labels; readonly ports: readonly { name?: string; targetPort: string }[] };
}

/** Makes the kinds of the operator known, without what it demands of them. */
export async function installMonitoringKinds(cluster: Cluster): Promise<void> {
  for (const kind of KINDS) {
    const [singular, plural] = [kind.toLowerCase(), `${kind.toLowerCase()}s`];
    const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
    const { status } = await cluster.api('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
      metadata: { name: `${plural}.${GROUP}` },
      spec: {
        group: GROUP,
        scope: 'Namespaced',
        names: { kind, singular, plural },
        versions: [{ name: 'v1', served: true, storage: true, schema }],
      },
    });
    if (status !== 201) throw new Error(`${kind}: ${status}`);
    const path = `/apis/${GROUP}/v1/${plural}`;
    await eventually(`there are ${plural}`, async () => (await cluster.api('GET', path)).status === 200);
  }
}

/** All groups of the rules in the cluster. */
export async function readClusterRules(cluster: Cluster): Promise<RuleFile> {
  const rules = await list<{ spec: RuleFile }>(cluster, `/apis/${GROUP}/v1/prometheusrules`);
  return { groups: rules.flatMap(({ spec }) => spec.groups) };
}

/** @returns entries of `scrape_configs` for all monitors in the cluster. */
export async function readScrapeConfigs(cluster: Cluster, pods: readonly NodePod[]): Promise<object[]> {
  const podMonitors = await list<PodMonitor>(cluster, `/apis/${GROUP}/v1/podmonitors`);
  const serviceMonitors = await list<ServiceMonitor>(cluster, `/apis/${GROUP}/v1/servicemonitors`);
  const services = await list<Service>(cluster, '/api/v1/services');
  return [
    ...podMonitors.flatMap((monitor) => followPods(monitor, pods)),
    ...serviceMonitors.flatMap((monitor) => followServices(monitor, services, pods)),
  ];
}

function followPods({ metadata, spec }: PodMonitor, pods: readonly NodePod[]): object[] {
  const { namespaceSelector, selector, podMetricsEndpoints, ...unknown } = spec;
  refuseUnknown(metadata, unknown);
  return podMetricsEndpoints.map(({ port, relabelings = [], ...more }, index) => {
    refuseUnknown(metadata, more);
    return {
      job_name: `podMonitor/${metadata.namespace}/${metadata.name}/${index}`,
      static_configs: pods.flatMap((pod) => discoverPorts(pod)),
      relabel_configs: [
        { source_labels: ['__meta_kubernetes_pod_phase'], regex: '(Failed|Succeeded)', action: 'drop' },
        ...keepLabels('pod', selector),
        { source_labels: ['__meta_kubernetes_pod_container_port_name'], regex: port, action: 'keep' },
        ...nameTarget,
        { target_label: 'job', replacement: `${metadata.namespace}/${metadata.name}` },
        ...relabelings.map((one) => translate(metadata, one)),
      ],
    };
  });
}

function followServices(monitor: ServiceMonitor, services: readonly Service[], pods: readonly NodePod[]): object[] {
  const { metadata, spec } = monitor;
  const { jobLabel, podTargetLabels, selector, endpoints, ...unknown } = spec;
  refuseUnknown(metadata, unknown);
  return endpoints.map(({ port, relabelings = [], ...more }, index) => {
    refuseUnknown(metadata, more);
    return {
      job_name: `serviceMonitor/${metadata.namespace}/${metadata.name}/${index}`,
      static_configs: services
        .filter((service) => service.metadata.namespace === metadata.namespace)
        .flatMap((service) => discoverEndpoints(service, pods)),
      relabel_configs: [
        ...keepLabels('service', selector),
        { source_labels: ['__meta_kubernetes_endpoint_port_name'], regex: port, action: 'keep' },
        ...nameTarget,
        { source_labels: [metaLabel('service', jobLabel)], regex: '(.+)', target_label: 'job' },
        ...podTargetLabels.map((label) => ({
          source_labels: [metaLabel('pod', label)],
          regex: '(.+)',
          target_label: toName(label),
        })),
        ...relabelings.map((one) => translate(metadata, one)),
      ],
    };
  });
}

const nameTarget = [
  { source_labels: ['__meta_kubernetes_namespace'], target_label: 'namespace' },
  { source_labels: ['__meta_kubernetes_pod_container_name'], target_label: 'container' },
  { source_labels: ['__meta_kubernetes_pod_name'], target_label: 'pod' },
];

function translate(
  metadata: Metadata,
  { sourceLabels = [], targetLabel, replacement, ...unknown }: Relabeling,
): object {
  refuseUnknown(metadata, unknown);
  return { source_labels: sourceLabels, target_label: targetLabel, replacement };
}

/** One target for each port of each container, also of init containers, as in the role `pod`. */
function discoverPorts({ pod, address }: NodePod): { targets: string[]; labels: Record<string, string> }[] {
  const { metadata, spec } = pod;
  return [...spec.containers, ...(spec.initContainers ?? [])].flatMap(({ name, ports = [] }) =>
    ports.map((port) => ({
      targets: [`${address}:${port.containerPort}`],
      labels: {
        __meta_kubernetes_namespace: metadata.namespace,
        __meta_kubernetes_pod_name: metadata.name,
        __meta_kubernetes_pod_phase: 'Running',
        __meta_kubernetes_pod_container_name: name,
        __meta_kubernetes_pod_container_port_name: port.name ?? '',
        ...describeLabels('pod', metadata.labels),
      },
    })),
  );
}

/** One target for each port of the Service at each of its pods, as in the role `endpoints`. */
function discoverEndpoints({ metadata, spec }: Service, pods: readonly NodePod[]) {
  const { selector } = spec;
  if (selector === undefined) return [];
  const selected = pods.filter(({ pod }) => {
    const fits = Object.entries(selector).every(([name, value]) => pod.metadata.labels?.[name] === value);
    return fits && pod.metadata.namespace === metadata.namespace;
  });
  return spec.ports.flatMap(({ name = '', targetPort }) =>
    selected
      .flatMap((pod) => discoverPorts(pod))
      .filter(({ labels }) => labels.__meta_kubernetes_pod_container_port_name === targetPort)
      .map(({ targets, labels }) => ({
        targets,
        labels: {
          ...labels,
          __meta_kubernetes_endpoint_port_name: name,
          ...describeLabels('service', metadata.labels),
        },
      })),
  );
}

function keepLabels(of: 'pod' | 'service', { matchLabels, ...unknown }: Selector): object[] {
  refuseUnknown({ name: 'a selector' }, unknown);
  return Object.entries(matchLabels).map(([name, value]) => ({
    source_labels: [metaLabel(of, name)],
    regex: value,
    action: 'keep',
  }));
}

function describeLabels(of: 'pod' | 'service', labels: Labels = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [metaLabel(of, name), value]));
}

function metaLabel(of: 'pod' | 'service', name: string): string {
  return `__meta_kubernetes_${of}_label_${toName(name)}`;
}

function toName(label: string): string {
  return label.replaceAll(/\W/g, '_');
}

/** What this does not know would be left out without a word. */
function refuseUnknown({ name }: Pick<Metadata, 'name'>, unknown: object): void {
  const [key] = Object.keys(unknown);
  if (key !== undefined) throw new Error(`${name} has ${key}, which this operator does not know`);
}

async function list<T>(cluster: Cluster, path: string): Promise<T[]> {
  const { status, body } = await cluster.api<{ items: T[] }>('GET', path);
  if (status !== 200) throw new Error(`${path}: ${status}`);
  return body.items;
}
