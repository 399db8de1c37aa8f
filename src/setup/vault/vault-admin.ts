/**
 * Vault, seen by its administrator: the one place of node-vault.
 *
 * node-vault knows the paths and verbs; how a request travels is given to it, as its own way has gaps that an
 * administrator's token must not fall through (0.12.0): it follows redirects to other hosts with the token, waits for
 * ever, takes `VAULT_SKIP_VERIFY=false` for "skip", has proxies by other rules, prints bodies under DEBUG, and reads
 * VAULT_* variables by itself. Its commands with templates (mustache) are not used, nor its logins.
 *
 * @module
 */
import { AgentError } from '../../errors.ts';
import type { VaultAnswer } from '../../issuer/vault/client.ts';
import type { VaultConfig } from '../../issuer/vault/config.ts';
import { type ConnectContext, openConnector } from '../../issuer/vault/connect.ts';
import { asRecord } from '../../issuer/vault/json.ts';
import { explainStatus } from '../../issuer/vault/status-errors.ts';
import { withTimeLimit } from '../../issuer/vault/time-limit.ts';

/** As Vault's own clients have it; making an RSA root takes seconds. */
const TIME_LIMIT_MS = 60_000;

/** Which Vault, and as whom. */
export interface AdminAccess extends Pick<VaultConfig, 'address' | 'namespace' | 'tls' | 'transport'> {
  readonly token: string;
}

/** `data` of an answer. */
export type VaultData = Readonly<Record<string, unknown>>;

export interface VaultAdmin {
  /** Undefined: there is nothing. @throws AgentError when it cannot be told. */
  read(path: string): Promise<VaultData | undefined>;
  /** @throws AgentError with what Vault says. */
  write(path: string, body: VaultData): Promise<VaultData>;
  close(): void;
}

export type AdminPorts = Pick<ConnectContext, 'clock' | 'random' | 'readSource'>;

export async function openVaultAdmin(access: AdminAccess, ports: AdminPorts): Promise<VaultAdmin> {
  const { address, token, transport } = access;
  const requestTimeoutMs = transport?.requestTimeoutMs ?? TIME_LIMIT_MS;
  const client = await openConnector(access, { ...ports, requestTimeoutMs })();

  /** Has the shape that node-vault expects of an HTTP library. */
  async function send({ method, uri, json }: NodeVaultRequest) {
    const path = decodeURI(uri.slice(`${address}/v1/`.length));
    const call = { method, path, token, ...(json !== undefined && { body: json }), purpose: `asking for ${path}` };
    const answer = await withTimeLimit(requestTimeoutMs, [], (signal) => client.request(call, signal)).catch(namePlace);
    if (method === 'GET' && isAbsent(answer)) return { statusCode: 200, body: undefined, request: { path } };
    if (answer.status !== 200 && answer.status !== 204) throw explain(answer, address, path);
    return { statusCode: answer.status, body: answer.body, request: { path } };
  }

  const { default: openNodeVault } = await import('node-vault');
  const nodeVault = openNodeVault({
    apiVersion: 'v1',
    endpoint: address,
    token,
    debug: () => undefined,
    'request-promise': { defaults: () => send },
  } as Parameters<typeof openNodeVault>[0]);
  // From the environment, unless they are set; the namespace is sent by our client.
  Object.assign(nodeVault, { pathPrefix: '', namespace: undefined, token });
  return {
    read: async (path) => {
      const body: unknown = await nodeVault.read(path);
      return body === undefined ? undefined : asRecord(asRecord(body).data);
    },
    write: async (path, body) => asRecord(asRecord(await nodeVault.write(path, body)).data),
    close: () => client.close(),
  };
}

interface NodeVaultRequest {
  readonly method: 'GET' | 'POST';
  readonly uri: string;
  readonly json?: VaultData;
}

/** 404, and what Vault says of mounts and issuers that are not there. */
function isAbsent({ status, complaint }: VaultAnswer): boolean {
  return status === 404 || (status >= 400 && /^no (secret|auth) engine|no default issuer/i.test(complaint));
}

function explain(answer: VaultAnswer, address: string, path: string): AgentError {
  if (answer.status !== 403) return explainStatus(answer, address, `asking for ${path}`);
  return new AgentError('ERR_CA_DENIED', `Vault at ${address} denies access to ${path} (${answer.complaint})`, {
    remedy: 'set VAULT_TOKEN to a token that may set up engines, roles and policies, or run: vault login',
  });
}

/** The address may be none of the configuration's. */
function namePlace(thrown: unknown): never {
  const error = AgentError.from(thrown);
  throw new AgentError(error.code, error.message, {
    remedy: `${error.remedy ?? 'check the address'} (for setup: --address, VAULT_ADDR, VAULT_CACERT)`,
    cause: thrown,
  });
}
