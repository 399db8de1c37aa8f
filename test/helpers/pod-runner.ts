/**
 * Stands for a kubelet: runs the containers of an admitted pod as processes, with folders for its volumes. Left out: mounts
 * (paths are rewritten wherever they stand, and KUBECONFIG names what lies where a pod finds its service account), images, users,
 * limits, the pod's own network (0.0.0.0 and 127.0.0.1 become an address of its own, or all are 127.0.0.1), restarts, liveness, and
 * the renewal of tokens.
 *
 * @module
 */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Test } from 'tap';
import { builtProgram } from './agent.ts';
import type { Cluster } from './kube-client.ts';
import { peerProgram } from './peers.ts';
import { makeVolumes, type PodContainer, type PodToRun, type Probe, readField } from './pod-volumes.ts';
import { plainEnvironment, type RunningProcess, startProcess } from './process.ts';
import { requestJson } from './request-json.ts';
import { runCommand } from './run-command.ts';
import { renderKubeconfig } from './service-account.ts';

export interface RunningPod {
  container(name: string): RunningProcess;
  /** Runs a program in a container, as `kubectl exec` does, and returns what it printed. Rejects unless it ends well. */
  exec(container: string, command: readonly string[]): Promise<string>;
  /** The folder of a volume. */
  volume(name: string): string;
  /** By the readiness probes of its containers. */
  isReady(): Promise<boolean>;
  /** Ends its containers, and native sidecars after all others, as the kubelet does. */
  stop(): Promise<void>;
}

export interface RunPodOptions {
  /** As the API server gave it back. */
  readonly pod: PodToRun;
  readonly cluster: Cluster;
  /** Holds its volumes and logs. A short path: sockets. */
  readonly directory: string;
  /** Of this machine, for this pod alone. Default 127.0.0.1, so that pods share their ports. */
  readonly address?: string;
  /** What the cluster's DNS knows: addresses of this machine by name. Default: nothing. */
  readonly names?: ReadonlyMap<string, string>;
}

const LOOPBACK = '127.0.0.1';
const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Starts one container after the other as the kubelet does, and resolves when all are started. Ended by the test's teardown. */
export async function runPod(t: Pick<Test, 'teardown'>, options: RunPodOptions): Promise<RunningPod> {
  const { pod, cluster, directory, address = LOOPBACK, names = new Map() } = options;
  const { spec } = pod;
  const { initContainers = [], containers } = spec;
  const all = [...initContainers, ...containers];
  const volume = (name: string) => join(directory, name);
  const mounts = new Map(
    all.flatMap(({ volumeMounts = [] }) => volumeMounts.map(({ name, mountPath }) => [mountPath, volume(name)])),
  );
  const rewrite = makeRewrite(new Map([...mounts, ...names]), address);
  await makeVolumes(pod, directory, cluster, rewrite);
  const account = mounts.get(SERVICE_ACCOUNT);
  const kubeconfig = join(directory, 'kubeconfig');
  if (account !== undefined) {
    const user = { tokenFile: join(account, 'token') };
    writeFileSync(kubeconfig, renderKubeconfig(cluster, { namespace: pod.metadata.namespace, user }), { mode: 0o600 });
  }

  const { hostname, port } = new URL(cluster.url);
  const environmentOf = ({ env = [], volumeMounts = [] }: PodContainer) => ({
    ...plainEnvironment(directory),
    KUBERNETES_SERVICE_HOST: hostname,
    KUBERNETES_SERVICE_PORT: port,
    ...(volumeMounts.some(({ mountPath }) => mountPath === SERVICE_ACCOUNT) && { KUBECONFIG: kubeconfig }),
    ...Object.fromEntries(
      env.map(({ name, value = '', valueFrom }) => [
        name,
        valueFrom ? readField(pod, valueFrom.fieldRef) : rewrite(value),
      ]),
    ),
  });
  const running = new Map<string, RunningProcess>();
  const resolve = ([program = '', ...args]: readonly string[]) => ({
    command: findProgram(program),
    args: args.map(rewrite),
  });
  const exec: RunningPod['exec'] = async (name, line) => {
    const container = all.find((one) => one.name === name);
    if (container === undefined) throw new Error(`there is no container ${name}`);
    const { command, args } = resolve(line);
    return runCommand(command, args, { cwd: directory, env: environmentOf(container) });
  };

  async function passes({ name, ports = [] }: PodContainer, { exec: asked, tcpSocket, httpGet }: Probe) {
    if (asked !== undefined) await exec(name, asked.command);
    if (tcpSocket !== undefined) return canConnect(address, tcpSocket.port);
    if (httpGet === undefined) return true;
    const found = ports.find((one) => one.name === httpGet.port)?.containerPort ?? httpGet.port;
    return (await requestJson(`http://${address}:${found}${httpGet.path}`, { timeoutMs: 5_000 })).status < 400;
  }

  async function start(container: PodContainer): Promise<RunningProcess> {
    const { name, image, command = [image], args = [], startupProbe } = container;
    const listeners = await listListeners([...command, ...args]);
    const started = await startProcess({
      name,
      ...resolve([...command, ...args, ...listeners]),
      directory,
      env: environmentOf(container),
      ready: async () => startupProbe === undefined || passes(container, startupProbe),
    });
    t.teardown(() => started.stop());
    running.set(name, started);
    return started;
  }

  for (const container of initContainers) {
    const started = await start(container);
    if (container.restartPolicy === 'Always') continue;
    const { code } = await started.exited;
    if (code !== 0) throw new Error(`the init container ${container.name} ended with ${code}:\n${started.output()}`);
  }
  await Promise.all(containers.map(start));
  const find = (name: string) => {
    const found = running.get(name);
    if (found === undefined) throw new Error(`there is no container ${name}`);
    return found;
  };
  const sidecars = initContainers.filter(({ restartPolicy }) => restartPolicy === 'Always');
  return {
    exec,
    volume,
    container: find,
    async isReady() {
      const probed = [...sidecars, ...containers].flatMap((one) =>
        one.readinessProbe === undefined ? [] : [passes(one, one.readinessProbe)],
      );
      return (await Promise.all(probed)).every((passed) => passed);
    },
    async stop() {
      await Promise.all(containers.map(({ name }) => find(name).stop()));
      for (const { name } of sidecars.toReversed()) await find(name).stop();
    },
  };
}

/** Waits until the pod's containers, apart from native sidecars, have ended well; then those are ended, too. */
export async function finishPod({ spec }: PodToRun, pod: RunningPod): Promise<void> {
  for (const { name } of spec.containers) {
    const container = pod.container(name);
    const { code } = await container.exited;
    if (code !== 0) throw new Error(`the container ${name} ended with ${code}:\n${container.output()}`);
  }
  await pod.stop();
}

/** Options for where our servers listen when they are not told, which no rewriting would find: `--telemetry=0.0.0.0:9902`. */
async function listListeners([program = '', command = '', ...args]: readonly string[]): Promise<string[]> {
  if (findProgram(program) !== builtProgram() || !SERVERS.includes(command)) return [];
  const help = await runCommand(builtProgram(), [command, '--help'], { env: plainEnvironment('/') });
  const defaults = help.matchAll(/(--\w+) <\w+:port>[^(]*\(default:\s+(0\.0\.0\.0:\d+)\)/g);
  const told = (option: string) => args.some((arg) => arg === option || arg.startsWith(`${option}=`));
  return [...defaults].flatMap(([, option = '', address]) => (told(option) ? [] : [`${option}=${address}`]));
}

const SERVERS: readonly string[] = ['webhook', 'signer'];

/** What is in the PATH of our images, and the entry points of images. */
function findProgram(name: string): string {
  if (name === 'meshcert' || name.includes('/meshcert:')) return builtProgram();
  if (name === 'envoy') return peerProgram('envoy');
  if (name === 'node') return process.execPath;
  throw new Error(`no image of this runner has ${name}`);
}

/** @param places what paths and names become. */
function makeRewrite(places: ReadonlyMap<string, string>, address: string): (text: string) => string {
  const found = [...places.keys()].sort((a, b) => b.length - a.length);
  const escaped = found.map((one) => one.replaceAll(/[^\w/]/g, '\\$&'));
  // Nothing that merely begins like one of them.
  const pattern = new RegExp(`(?<![\\w.-])(${escaped.join('|')})(?![\\w-])`, 'g');
  return (text) =>
    text
      .replaceAll(/(?<![\d.])(0\.0\.0\.0|127\.0\.0\.1)(?![\d.])/g, address)
      .replaceAll(pattern, (one) => places.get(one) ?? one);
}

async function canConnect(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port });
  try {
    await once(socket, 'connect');
    return true;
  } finally {
    socket.destroy();
  }
}
