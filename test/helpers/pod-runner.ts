/**
 * Stands for a kubelet: runs the containers of an admitted pod as processes, with folders for its volumes. Left out: mounts
 * (paths are rewritten wherever they stand), images, users, limits, the pod's own network (0.0.0.0 becomes 127.0.0.1), restarts,
 * all probes but those at the start, and the renewal of tokens.
 *
 * @module
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Test } from 'tap';
import { builtProgram } from './agent.ts';
import type { Cluster } from './kube-client.ts';
import { peerProgram } from './peers.ts';
import { makeVolumes, type PodContainer, type PodToRun, readField } from './pod-volumes.ts';
import { plainEnvironment, type RunningProcess, startProcess } from './process.ts';
import { runCommand } from './run-command.ts';

export interface RunningPod {
  container(name: string): RunningProcess;
  /** Runs a program in a container, as `kubectl exec` does, and returns what it printed. Rejects unless it ends well. */
  exec(container: string, command: readonly string[]): Promise<string>;
}

/** Starts one container after the other as the kubelet does, and resolves when all are started. Ended by the test's teardown. */
export async function runPod(
  t: Pick<Test, 'teardown'>,
  { pod, cluster, directory }: { readonly pod: PodToRun; readonly cluster: Cluster; readonly directory: string },
): Promise<RunningPod> {
  const { spec } = pod;
  const { initContainers = [], containers } = spec;
  const all = [...initContainers, ...containers];
  const volume = (name: string) => join(directory, name);
  const mounts = new Map(
    all.flatMap(({ volumeMounts = [] }) => volumeMounts.map(({ name, mountPath }) => [mountPath, volume(name)])),
  );
  const rewrite = makeRewrite(mounts);
  await makeVolumes(pod, directory, cluster, rewrite);

  const { hostname, port } = new URL(cluster.url);
  const environmentOf = ({ env = [] }: PodContainer) => ({
    ...plainEnvironment(directory),
    KUBERNETES_SERVICE_HOST: hostname,
    KUBERNETES_SERVICE_PORT: port,
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

  async function start(container: PodContainer): Promise<RunningProcess> {
    const { name, image, command = [image], args = [], startupProbe } = container;
    const started = await startProcess({
      name,
      ...resolve([...command, ...args]),
      directory,
      env: environmentOf(container),
      ready: async () => {
        if (startupProbe?.tcpSocket) return canConnect(startupProbe.tcpSocket.port);
        if (startupProbe?.exec) await exec(name, startupProbe.exec.command);
        return true;
      },
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
  return {
    exec,
    container(name) {
      const found = running.get(name);
      if (found === undefined) throw new Error(`there is no container ${name}`);
      return found;
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
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  for (const { name } of sidecars.toReversed()) await pod.container(name).stop();
}

/** What is in the PATH of our images, and the entry points of images. */
function findProgram(name: string): string {
  if (name === 'meshcert' || name.includes('/meshcert:')) return builtProgram();
  if (name === 'envoy') return peerProgram('envoy');
  if (name === 'node') return process.execPath;
  throw new Error(`no image of this runner has ${name}`);
}

function makeRewrite(mounts: ReadonlyMap<string, string>): (text: string) => string {
  const paths = [...mounts.keys()].sort((a, b) => b.length - a.length);
  const escaped = paths.map((path) => path.replaceAll(/[^\w/]/g, '\\$&'));
  // Nothing that merely begins like one of them.
  const pattern = new RegExp(`(?<![\\w.-])(${escaped.join('|')})(?![\\w-])`, 'g');
  return (text) => text.replaceAll(pattern, (path) => mounts.get(path) ?? path).replaceAll('0.0.0.0', '127.0.0.1');
}

async function canConnect(port: number): Promise<boolean> {
  const socket = connect({ host: '127.0.0.1', port });
  try {
    await once(socket, 'connect');
    return true;
  } finally {
    socket.destroy();
  }
}
