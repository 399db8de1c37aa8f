import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { peerProgram } from './peers.ts';
import { type RunningProcess, startProcess } from './process.ts';
import { requestJson } from './request-json.ts';
import type { VaultAddress } from './vault-client.ts';

export interface VaultAgentOptions {
  /** Configuration, log, socket. Short, as socket paths are. */
  readonly directory: string;
  /** `vault agent` and `vault proxy` take the same configuration for this. Default `agent`. */
  readonly program?: 'agent' | 'proxy';
  /** That it logs in with, in place of whoever asks it. */
  readonly token: string;
  /** Default true, as its own: it tries for longer than most clients wait. */
  readonly retries?: boolean;
}

export interface VaultAgent {
  /** `http://127.0.0.1:PORT` */
  readonly address: string;
  /** `unix:///...` */
  readonly socketAddress: string;
  readonly process: RunningProcess;
}

/** A Vault Agent, or Vault Proxy, that adds the token of its auto-auth to requests, and takes those with `X-Vault-Request` only. */
export async function startVaultAgent(
  vault: VaultAddress,
  { directory, program = 'agent', token, retries = true }: VaultAgentOptions,
): Promise<VaultAgent> {
  mkdirSync(directory, { recursive: true });
  const tokenFile = join(directory, 'token');
  writeFileSync(tokenFile, token, { mode: 0o600 });
  const listen = `127.0.0.1:${await freePort()}`;
  const socket = join(directory, 'a.sock');
  const caCert = vault.caFile === undefined ? '' : `ca_cert = "${vault.caFile}"`;
  const configFile = join(directory, 'agent.hcl');
  writeFileSync(
    configFile,
    `
vault {
  address = "${vault.address}"
  ${caCert}
  ${retries ? '' : 'retry { num_retries = -1 }'}
}
auto_auth {
  method "token_file" {
    config = { token_file_path = "${tokenFile}" }
  }
}
api_proxy {
  use_auto_auth_token = true
}
listener "tcp" {
  address = "${listen}"
  tls_disable = true
  require_request_header = true
}
listener "unix" {
  address = "${socket}"
  tls_disable = true
  require_request_header = true
}
`,
  );
  const address = `http://${listen}`;
  const running = await startProcess({
    name: `vault-${program}`,
    command: peerProgram('vault'),
    args: [program, `-config=${configFile}`],
    directory,
    ready: async () => {
      const headers = { 'x-vault-request': 'true' };
      return (await requestJson(`${address}/v1/auth/token/lookup-self`, { headers })).status === 200;
    },
  });
  return { address, socketAddress: `unix://${socket}`, process: running };
}
