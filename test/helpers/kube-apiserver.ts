import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { type Cluster, type ClusterAddress, kubeClient } from './kube-client.ts';
import { peerProgram } from './peers.ts';
import { type RunningProcess, startProcess } from './process.ts';
import { requestJson } from './request-json.ts';
import { makeServerCertificate } from './server-certificate.ts';

export interface ClusterServer extends Cluster {
  readonly process: RunningProcess;
  /** Ends the API server and starts it again at the same address, with all that was stored. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * A real etcd and kube-apiserver with RBAC, TokenRequest and TokenReview. There is no controller manager and no kubelet:
 * nothing makes the `default` service account of a namespace, and pods are admitted but never run.
 *
 * @param options.directory keys, configuration, logs, and etcd's data
 * @param options.podNetwork socket of a `PodNetwork`, by which pods are proxied to. Default: there is no way to them.
 * @param options.options further ones of its command line
 */
export async function startKubeApiserver({
  directory,
  podNetwork,
  options = [],
}: {
  directory: string;
  podNetwork?: string;
  options?: readonly string[];
}): Promise<ClusterServer> {
  mkdirSync(directory, { recursive: true });
  const [etcdPort, port] = await Promise.all([freePort(), freePort()]);
  const [etcd, certificate] = await Promise.all([
    startEtcd(directory, etcdPort),
    makeServerCertificate(directory, 'kube-apiserver'),
  ]);
  const adminToken = randomBytes(16).toString('hex');
  const tokensFile = join(directory, 'tokens.csv');
  writeFileSync(tokensFile, `${adminToken},admin,admin,"system:masters"\n`, { mode: 0o600 });
  const accountKeyFile = join(directory, 'service-account.key');
  const accountKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  writeFileSync(accountKeyFile, accountKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 });

  const { caPem, caFile } = certificate;
  const address: ClusterAddress = { url: `https://127.0.0.1:${port}`, caPem, caFile, adminToken };
  const headers = { authorization: `Bearer ${adminToken}` };
  try {
    const start = () =>
      startProcess({
        name: 'kube-apiserver',
        command: peerProgram('kube-apiserver'),
        args: [
          `--etcd-servers=http://127.0.0.1:${etcdPort}`,
          '--bind-address=127.0.0.1',
          '--advertise-address=127.0.0.1',
          `--secure-port=${port}`,
          `--tls-cert-file=${certificate.certificateFile}`,
          `--tls-private-key-file=${certificate.keyFile}`,
          `--client-ca-file=${caFile}`,
          `--token-auth-file=${tokensFile}`,
          '--authorization-mode=RBAC',
          '--service-account-issuer=https://kubernetes.default.svc',
          `--service-account-key-file=${accountKeyFile}`,
          `--service-account-signing-key-file=${accountKeyFile}`,
          '--service-cluster-ip-range=10.0.0.0/24',
          ...options,
          ...(podNetwork === undefined ? [] : [`--egress-selector-config-file=${writeEgress(directory, podNetwork)}`]),
        ],
        directory,
        readyTimeoutMs: 60_000,
        ready: async () =>
          (await requestJson(`${address.url}/readyz`, { caPem, headers, timeoutMs: 2_000 })).status === 200,
      });
    let running = await start();
    const stop = async () => {
      await running.stop();
      await etcd.stop();
    };
    const restart = async () => {
      await running.stop();
      running = await start();
    };
    return { ...kubeClient(address), process: running, restart, stop };
  } catch (error) {
    await etcd.stop();
    throw error;
  }
}

/** https://kubernetes.io/docs/tasks/extend-kubernetes/setup-konnectivity/ */
function writeEgress(directory: string, udsName: string): string {
  const file = join(directory, 'egress.json');
  const connection = { proxyProtocol: 'HTTPConnect', transport: { uds: { udsName } } };
  const egressSelections = [{ name: 'cluster', connection }];
  const apiVersion = 'apiserver.k8s.io/v1beta1';
  writeFileSync(file, JSON.stringify({ apiVersion, kind: 'EgressSelectorConfiguration', egressSelections }));
  return file;
}

async function startEtcd(directory: string, port: number): Promise<RunningProcess> {
  const client = `http://127.0.0.1:${port}`;
  // Nobody connects to the peer address: the kernel may choose.
  const peer = 'http://127.0.0.1:0';
  return startProcess({
    name: 'etcd',
    command: peerProgram('etcd'),
    args: [
      `--data-dir=${join(directory, 'etcd')}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
      '--unsafe-no-fsync',
      '--log-level=warn',
    ],
    directory,
    ready: async () => (await requestJson(`${client}/health`, { timeoutMs: 2_000 })).status === 200,
  });
}
