import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from './eventually.ts';
import { freePort } from './free-port.ts';
import { peerProgram } from './peers.ts';
import { type RunningProcess, startProcess } from './process.ts';
import { requestJson } from './request-json.ts';
import { makeServerCertificate } from './server-certificate.ts';
import { type Vault, type VaultAddress, vaultClient } from './vault-client.ts';

export interface VaultTlsOptions extends VaultOptions {
  /** PEM file of the CA of clients: makes a second listener, which demands their certificates. */
  readonly clientCaFile?: string;
}

export interface VaultOptions {
  /** Configuration, log, storage, CLI's HOME. */
  readonly directory: string;
  /** Default: a free one. */
  readonly port?: number;
}

export interface VaultServer extends Vault {
  readonly process: RunningProcess;
  /** Everything is refused with 503 from now on. */
  seal(): Promise<void>;
  unseal(): Promise<void>;
  stop(): Promise<void>;
}

/** `vault server -dev`: HTTP, everything in memory, root token `root`, unsealed. Resolves when it answers. */
export async function startVault({ directory, port }: VaultOptions): Promise<VaultServer> {
  const listen = `127.0.0.1:${port ?? (await freePort())}`;
  const server: VaultAddress = { address: `http://${listen}`, rootToken: 'root' };
  const running = await startProcess({
    name: 'vault',
    command: peerProgram('vault'),
    args: ['server', '-dev', '-dev-no-store-token', '-dev-root-token-id=root', `-dev-listen-address=${listen}`],
    directory,
    ready: async () => (await health(server)) === 200,
  });
  // It answers before it has printed the key.
  return controls(server, running, directory, () => /^Unseal Key: (\S+)$/m.exec(running.output())?.[1]);
}

/**
 * A server as in production: HTTPS, storage in files, initialised and unsealed with one key share. Started again with the
 * `previous` one's remains (same folder and port) it still has its data.
 */
export async function startVaultTls(
  { directory, port, clientCaFile }: VaultTlsOptions,
  previous?: Pick<VaultTlsServer, 'restartInfo'>,
): Promise<VaultTlsServer> {
  mkdirSync(directory, { recursive: true });
  const listenPort = previous?.restartInfo.port ?? port ?? (await freePort());
  const certificate = previous?.restartInfo.certificate ?? (await makeServerCertificate(directory, 'vault'));
  const address = `https://127.0.0.1:${listenPort}`;
  const configFile = join(directory, 'vault.json');
  const { certificateFile: tls_cert_file, keyFile: tls_key_file } = certificate;
  const listener = [{ tcp: { address: `127.0.0.1:${listenPort}`, tls_cert_file, tls_key_file } }];
  const mutualPort = clientCaFile === undefined ? undefined : await freePort();
  if (mutualPort !== undefined) {
    const demand = { tls_require_and_verify_client_cert: true, tls_client_ca_file: clientCaFile };
    listener.push({ tcp: { address: `127.0.0.1:${mutualPort}`, tls_cert_file, tls_key_file, ...demand } });
  }
  const configuration = {
    listener,
    storage: { file: { path: join(directory, 'storage') } },
    api_addr: address,
    disable_mlock: true,
  };
  writeFileSync(configFile, JSON.stringify(configuration));
  const { caPem, caFile } = certificate;
  const running = await startProcess({
    name: 'vault',
    command: peerProgram('vault'),
    args: ['server', `-config=${configFile}`],
    directory,
    // 501: not initialised, 503: sealed.
    ready: async () => [200, 501, 503].includes(await health({ address, rootToken: '', caPem })),
  });
  const keys = previous?.restartInfo.keys ?? (await initialise(address, caPem));
  const server: VaultAddress = { address, rootToken: keys.rootToken, caPem, caFile };
  const vault = controls(server, running, directory, () => keys.unsealKey);
  await vault.unseal();
  const mutualAddress = mutualPort === undefined ? undefined : `https://127.0.0.1:${mutualPort}`;
  return { ...vault, caPem, caFile, mutualAddress, restartInfo: { port: listenPort, certificate, keys } };
}

export interface VaultTlsServer extends VaultServer {
  readonly caPem: string;
  readonly caFile: string;
  /** Of the listener that demands client certificates. */
  readonly mutualAddress: string | undefined;
  readonly restartInfo: {
    readonly port: number;
    readonly certificate: Awaited<ReturnType<typeof makeServerCertificate>>;
    readonly keys: { readonly rootToken: string; readonly unsealKey: string };
  };
}

async function initialise(address: string, caPem: string): Promise<{ rootToken: string; unsealKey: string }> {
  const { status, body } = await requestJson<{ root_token: string; keys: string[] }>(`${address}/v1/sys/init`, {
    method: 'PUT',
    body: { secret_shares: 1, secret_threshold: 1 },
    caPem,
  });
  const unsealKey = body.keys?.[0];
  if (unsealKey === undefined) throw new Error(`vault init: ${status} ${JSON.stringify(body)}`);
  return { rootToken: body.root_token, unsealKey };
}

function controls(
  server: VaultAddress,
  running: RunningProcess,
  directory: string,
  findUnsealKey: () => string | undefined,
): VaultServer {
  const client = vaultClient(server, directory);
  const expect = async (path: string, body?: unknown) => {
    const answer = await client.api('PUT', path, body);
    if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  };
  return {
    ...client,
    process: running,
    seal: () => expect('sys/seal'),
    unseal: async () => {
      const key = await eventually('the unseal key is known', findUnsealKey);
      await expect('sys/unseal', { key });
      await eventually('vault is unsealed', async () => (await health(server)) === 200);
    },
    stop: async () => {
      await running.stop();
    },
  };
}

async function health({ address, caPem }: VaultAddress): Promise<number> {
  return (await requestJson(`${address}/v1/sys/health`, { caPem, timeoutMs: 2_000 })).status;
}
