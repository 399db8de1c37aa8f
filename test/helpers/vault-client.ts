import { delimiter, dirname } from 'node:path';
import { peerProgram } from './peers.ts';
import { plainEnvironment } from './process.ts';
import { type JsonResponse, requestJson } from './request-json.ts';
import { runCommand } from './run-command.ts';

export interface VaultAddress {
  readonly address: string;
  readonly rootToken: string;
  /** Of the TLS form only. */
  readonly caPem?: string;
  readonly caFile?: string;
}

export interface VaultCallOptions {
  /** Default: the root token. */
  readonly token?: string;
}

/** A running Vault, seen by its administrator. */
export interface Vault extends VaultAddress {
  /** The `vault` command with these arguments; resolves with its stdout. */
  cli(args: readonly string[], options?: VaultCallOptions & { stdin?: string }): Promise<string>;
  /** Runs a script of documented `vault` commands by `sh -eu`, in the folder; resolves with its stdout. */
  shell(script: string, options?: VaultCallOptions): Promise<string>;
  /** One call of the HTTP API, `path` without `/v1/`. Resolves whatever the status is. */
  api<T = VaultAnswer>(
    method: string,
    path: string,
    body?: unknown,
    options?: VaultCallOptions,
  ): Promise<JsonResponse<T>>;
}

/** The frame of Vault's answers. */
export interface VaultAnswer {
  readonly data?: Readonly<Record<string, unknown>>;
  readonly auth?: {
    readonly client_token: string;
    readonly policies: readonly string[];
    readonly lease_duration: number;
  };
  readonly warnings?: readonly string[];
  readonly errors?: readonly string[];
}

/** @param directory HOME and working folder of the commands */
export function vaultClient(server: VaultAddress, directory: string): Vault {
  const program = peerProgram('vault');
  const environment = ({ token = server.rootToken }: VaultCallOptions): NodeJS.ProcessEnv => ({
    ...plainEnvironment(directory),
    PATH: [dirname(program), process.env.PATH].join(delimiter),
    VAULT_ADDR: server.address,
    VAULT_TOKEN: token,
    ...(server.caFile && { VAULT_CACERT: server.caFile }),
  });
  return {
    ...server,
    cli: (args, { stdin, ...options } = {}) =>
      runCommand(program, args, {
        cwd: directory,
        env: environment(options),
        ...(stdin !== undefined && { stdin }),
      }),
    shell: (script, options = {}) =>
      runCommand('sh', ['-eu', '-c', script], { cwd: directory, env: environment(options) }),
    api: (method, path, body, { token = server.rootToken } = {}) =>
      requestJson(`${server.address}/v1/${path}`, {
        method,
        body,
        headers: { 'x-vault-token': token, 'x-vault-request': 'true' },
        caPem: server.caPem,
      }),
  };
}
