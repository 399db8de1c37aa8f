/**
 * Stands for what makes pods of the objects in a cluster, runs them and leads to them: the controller of Deployments, the scheduler,
 * one kubelet, kube-proxy and the cluster's DNS. Each does its part once, when it is asked to: what ends is not started again.
 *
 * @module
 */
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import type { Test } from 'tap';
import { eventually } from './eventually.ts';
import type { Cluster } from './kube-client.ts';
import type { PodNetwork } from './pod-network.ts';
import { type RunningPod, runPod } from './pod-runner.ts';
import type { PodToRun } from './pod-volumes.ts';

export interface NodePod extends RunningPod {
  readonly pod: PodToRun;
  /** Of this machine, and of this pod alone. */
  readonly address: string;
}

export interface ClusterNode {
  /** Runs a pod as the API server gave it back, and tells the API server of it. Resolves when it is ready. */
  run(pod: PodToRun): Promise<NodePod>;
  /** Makes the pods of a Deployment through the API server, and runs them. */
  runDeployment(namespace: string, name: string): Promise<readonly NodePod[]>;
  /** Leads the address of a Service to those pods that run now, and its name to the first of them. */
  serve(namespace: string, name: string): Promise<void>;
  /** Ends the pod, and deletes it. */
  remove(pod: NodePod): Promise<void>;
}

export interface ClusterNodeOptions {
  readonly cluster: Cluster;
  /** The one that the cluster was started with. */
  readonly network: PodNetwork;
  /** Holds the folders of pods. A short path: sockets. */
  readonly directory: string;
}

interface Deployment {
  readonly spec: {
    readonly replicas?: number;
    readonly template: { readonly metadata: object; readonly spec: object };
  };
}

interface Service {
  readonly spec: {
    readonly clusterIP: string;
    readonly selector: Readonly<Record<string, string>>;
    readonly ports: readonly { readonly port: number; readonly targetPort: number | string }[];
  };
}

/** Pods are ended by the test's teardown. */
export function openClusterNode(t: Pick<Test, 'teardown'>, options: ClusterNodeOptions): ClusterNode {
  const { cluster, network, directory } = options;
  const running = new Set<NodePod>();
  const names = new Map<string, string>();
  // Those of another test are others: all of 127.0.0.0/8 is the loopback of Linux.
  const subnet = `${randomInt(64, 128)}.${randomInt(256)}`;
  let made = 0;
  // All at once: webhooks take their time to end.
  const ends: (() => unknown)[] = [];
  t.teardown(() => Promise.all(ends.map((end) => end())));
  const teardown = (end: () => unknown) => void ends.push(end);

  async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await cluster.api<T>(method, path, body);
    if (answer.status < 300) return answer.body;
    throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  }
  const pathOf = ({ namespace, name }: PodToRun['metadata']) => `/api/v1/namespaces/${namespace}/pods/${name}`;

  async function run(pod: PodToRun): Promise<NodePod> {
    made += 1;
    // The API server proxies to no address of a loopback.
    const [podIP, address] = [`10.${subnet}.${made}`, `127.${subnet}.${made}`];
    network.attachPod(podIP, address);
    const { name } = pod.metadata;
    const started = await runPod({ teardown }, { pod, cluster, directory: join(directory, name), address, names });
    await eventually(`the pod ${name} is ready`, () => started.isReady(), { timeoutMs: 30_000 });
    const conditions = [{ type: 'Ready', status: 'True' }];
    const status = { phase: 'Running', podIP, podIPs: [{ ip: podIP }], conditions };
    await call('PUT', `${pathOf(pod.metadata)}/status`, { ...pod, status });
    const known = { ...started, pod, address };
    running.add(known);
    return known;
  }

  return {
    run,
    async runDeployment(namespace, name) {
      const path = `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`;
      const { replicas = 1, template } = (await call<Deployment>('GET', path)).spec;
      const pods = Array.from({ length: replicas }, () => {
        const metadata = { ...template.metadata, generateName: `${name}-` };
        return call<PodToRun>('POST', `/api/v1/namespaces/${namespace}/pods`, { metadata, spec: template.spec });
      });
      return Promise.all((await Promise.all(pods)).map(run));
    },
    async serve(namespace, name) {
      const { spec } = await call<Service>('GET', `/api/v1/namespaces/${namespace}/services/${name}`);
      const selected = [...running].filter(({ pod }) => isSelected(pod, namespace, spec.selector));
      const [first] = selected;
      if (first === undefined) throw new Error(`no pod of the Service ${name} runs`);
      names.set(`${name}.${namespace}.svc`, first.address);
      for (const { port, targetPort } of spec.ports) {
        const endpoints = selected.map(({ pod, address }) => ({ host: address, port: findPort(pod, targetPort) }));
        network.attachService(`${spec.clusterIP}:${port}`, endpoints);
      }
    },
    async remove(ended) {
      running.delete(ended);
      await ended.stop();
      await call('DELETE', `${pathOf(ended.pod.metadata)}?gracePeriodSeconds=0`);
    },
  };
}

function isSelected({ metadata }: PodToRun, namespace: string, selector: Readonly<Record<string, string>>): boolean {
  const fits = Object.entries(selector).every(([label, value]) => metadata.labels?.[label] === value);
  return fits && metadata.namespace === namespace;
}

function findPort({ spec, metadata }: PodToRun, wanted: number | string): number {
  if (typeof wanted === 'number') return wanted;
  const ports = [...spec.containers, ...(spec.initContainers ?? [])].flatMap((container) => container.ports ?? []);
  const found = ports.find(({ name }) => name === wanted);
  if (found === undefined) throw new Error(`the pod ${metadata.name} has no port ${wanted}`);
  return found.containerPort;
}
