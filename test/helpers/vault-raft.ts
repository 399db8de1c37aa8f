import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from './eventually.ts';
import { freePort } from './free-port.ts';
import { peerProgram } from './peers.ts';
import { type RunningProcess, startProcess } from './process.ts';
import { requestJson } from './request-json.ts';
import { makeServerCertificate, type ServerCertificate } from './server-certificate.ts';
import { type Vault, vaultClient } from './vault-client.ts';

/** One Vault in server mode with HTTPS and raft storage, as it comes: not initialised. */
export interface RaftNode {
  readonly address: string;
  /** What `sys/health` answers: 200 active, 429 standby, 501 not initialised, 503 sealed; 0 none. */
  health(): Promise<number>;
  readonly process: RunningProcess;
}

export interface RaftNodeOptions {
  /** Configuration, log, storage. */
  readonly directory: string;
  readonly name: string;
  readonly certificate: ServerCertificate;
}

export async function startRaftNode({ directory, name, certificate }: RaftNodeOptions): Promise<RaftNode> {
  const storage = join(directory, `${name}-raft`);
  mkdirSync(storage, { recursive: true });
  const [port, clusterPort] = [await freePort(), await freePort()];
  const address = `https://127.0.0.1:${port}`;
  const configFile = join(directory, `${name}.json`);
  const configuration = {
    listener: {
      tcp: {
        address: `127.0.0.1:${port}`,
        cluster_address: `127.0.0.1:${clusterPort}`,
        tls_cert_file: certificate.certificateFile,
        tls_key_file: certificate.keyFile,
      },
    },
    // Elections of a second: nobody is far away here.
    storage: { raft: { path: storage, node_id: name, performance_multiplier: '1' } },
    api_addr: address,
    cluster_addr: `https://127.0.0.1:${clusterPort}`,
    disable_mlock: true,
  };
  writeFileSync(configFile, JSON.stringify(configuration));
  const health = async () => {
    const url = `${address}/v1/sys/health`;
    return requestJson(url, { caPem: certificate.caPem, timeoutMs: 2_000 }).then(
      ({ status }) => status,
      () => 0,
    );
  };
  const running = await startProcess({
    name,
    command: peerProgram('vault'),
    args: ['server', `-config=${configFile}`],
    directory,
    ready: async () => (await health()) !== 0,
  });
  return { address, health, process: running };
}

/** Two nodes of one cluster, unsealed. Each forwards to the other what only the active one can do. */
export interface VaultRaft {
  readonly certificate: ServerCertificate;
  /** The active node and the standby now. */
  roles(): Promise<{ readonly active: Vault; readonly standby: Vault }>;
  /** The active node gives its role to the other one. Resolves when that has it. */
  stepDown(): Promise<void>;
  stop(): Promise<void>;
}

export async function startVaultRaft(directory: string): Promise<VaultRaft> {
  mkdirSync(directory, { recursive: true });
  const certificate = await makeServerCertificate(directory, 'cluster');
  const { caPem, caFile } = certificate;
  const nodes = await Promise.all(['one', 'two'].map((name) => startRaftNode({ directory, name, certificate })));
  const [first, second] = nodes as [RaftNode, RaftNode];
  const put = async (node: RaftNode, path: string, body: unknown, token = '') => {
    const url = `${node.address}/v1/${path}`;
    const headers = { 'x-vault-token': token };
    const answer = await requestJson<Record<string, never>>(url, { method: 'PUT', body, caPem, headers });
    if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const keys = await put(first, 'sys/init', { secret_shares: 1, secret_threshold: 1 });
  const rootToken = String(keys.root_token);
  const unsealKey = String((keys.keys as unknown as string[])[0]);
  await put(first, 'sys/unseal', { key: unsealKey });
  await eventually('the first node is active', async () => (await first.health()) === 200);
  // A node votes, and can be elected, after it has been stable for so long; 10 s by default.
  await put(first, 'sys/storage/raft/autopilot/configuration', { server_stabilization_time: '1s' }, rootToken);
  await put(second, 'sys/storage/raft/join', { leader_api_addr: first.address, leader_ca_cert: caPem });
  await put(second, 'sys/unseal', { key: unsealKey });
  await eventually('the second node is a standby', async () => (await second.health()) === 429, { timeoutMs: 30_000 });
  const admin = vaultClient({ address: first.address, rootToken, caPem, caFile }, directory);
  await eventually(
    'both nodes vote',
    async () => {
      const { body } = await admin.api('GET', 'sys/storage/raft/configuration');
      const { servers } = (body.data as { config: { servers: { voter: boolean }[] } }).config;
      return servers.length === 2 && servers.every(({ voter }) => voter);
    },
    { timeoutMs: 30_000 },
  );

  async function roles() {
    const healths = await Promise.all(nodes.map((node) => node.health()));
    const find = (status: number) => {
      const node = nodes[healths.indexOf(status)];
      if (node === undefined) throw new Error(`the nodes' health is ${healths.join(' and ')}`);
      return vaultClient({ address: node.address, rootToken, caPem, caFile }, directory);
    };
    return { active: find(200), standby: find(429) };
  }
  return {
    certificate,
    roles,
    async stepDown() {
      const before = await roles();
      await before.active.api('PUT', 'sys/step-down');
      await eventually(
        'the other node is active',
        async () => (await roles()).active.address !== before.active.address,
        {
          timeoutMs: 30_000,
        },
      );
    },
    async stop() {
      await Promise.all(nodes.map((node) => node.process.stop()));
    },
  };
}
