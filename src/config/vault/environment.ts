import { resolve } from 'node:path';
import type { DataSource } from '../../data-source.ts';
import type { Place } from '../place.ts';
import { path, text } from '../schema.ts';
import { address, agentAddress } from './address.ts';
import { namespace } from './api-path.ts';
import { openVariables } from './open-variables.ts';
import { parsedBoolean } from './parsed-boolean.ts';

/** What the environment fills in where the configuration says nothing. */
export interface VaultEnvironment {
  readonly address: string | undefined;
  readonly agentAddress: string | undefined;
  readonly namespace: string | undefined;
  readonly token: DataSource | undefined;
  readonly caCert: DataSource | undefined;
  readonly clientCert: DataSource | undefined;
  readonly clientKey: DataSource | undefined;
  readonly serverName: string | undefined;
  readonly skipVerify: boolean | undefined;
}

/**
 * Reads the VAULT_* variables of Vault's own clients. An empty one counts as unset. Mistakes are reported under the name of
 * the variable.
 *
 * @param place any; mistakes are collected with those of its document.
 */
export function readVaultEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  place: Place,
  currentDirectory: string,
): VaultEnvironment {
  const read = openVariables(environment, place);
  const readPath = (kind: 'file' | 'directory', name: string): DataSource | undefined => {
    const found = read(path, name);
    return found === undefined ? undefined : { kind, path: resolve(currentDirectory, found) };
  };
  const readInline = (name: string): DataSource | undefined => {
    const value = read(text, name);
    return value === undefined ? undefined : { kind: 'inline', value };
  };
  return {
    address: read(address, 'VAULT_ADDR'),
    agentAddress: read(agentAddress, 'VAULT_AGENT_ADDR'),
    namespace: read(namespace, 'VAULT_NAMESPACE'),
    token: readInline('VAULT_TOKEN'),
    caCert:
      readPath('file', 'VAULT_CACERT') ?? readInline('VAULT_CACERT_BYTES') ?? readPath('directory', 'VAULT_CAPATH'),
    clientCert: readPath('file', 'VAULT_CLIENT_CERT'),
    clientKey: readPath('file', 'VAULT_CLIENT_KEY'),
    serverName: read(text, 'VAULT_TLS_SERVER_NAME'),
    skipVerify: read(parsedBoolean, 'VAULT_SKIP_VERIFY'),
  };
}
