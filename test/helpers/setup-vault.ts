import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeConfiguration } from './agent.ts';
import { type Ran, runCommandLine } from './command-line.ts';
import { renderVaultMesh, type VaultMeshOptions } from './kong-mesh.ts';
import { uniqueName } from './unique-name.ts';
import type { Vault } from './vault-client.ts';

export interface SetUpOptions {
  readonly directory: string;
  readonly mesh: string;
  /** Further lines of the Agent document. */
  readonly agentLines?: string;
  /** Further arguments of `setup vault`. */
  readonly args?: readonly string[];
  /** Added to VAULT_ADDR, VAULT_TOKEN and VAULT_CACERT, or in their place. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** `meshcert setup vault` as the administrator of this Vault; with `--apply` among the arguments, it is done. */
export async function runSetup(vault: Vault, options: SetUpOptions): Promise<Ran> {
  const { mesh, agentLines = '', args = [] } = options;
  const directory = join(options.directory, uniqueName('setup'));
  const { configFile } = writeConfiguration({ directory, mesh, agentLines });
  return runCommandLine(['setup', 'vault', '-c', configFile, ...args], {
    directory,
    environment: {
      VAULT_ADDR: vault.address,
      VAULT_TOKEN: vault.rootToken,
      ...(vault.caFile !== undefined && { VAULT_CACERT: vault.caFile }),
      ...options.environment,
    },
  });
}

export interface TokenMesh {
  readonly pki: string;
  /** Of the policy that setup made. */
  readonly policy: string;
  readonly tokenFile: string;
  /** The Mesh document; with other values than those that it was set up with, if given. */
  render(changes?: Partial<VaultMeshOptions>): string;
}

/** A PKI engine of its own, set up by `setup vault --apply`, and a Mesh that uses it with a token as setup says. */
export async function setUpTokenMesh(
  vault: Vault,
  directory: string,
  args: readonly string[] = [],
): Promise<TokenMesh> {
  const pki = uniqueName('pki');
  const policy = `meshcert-${pki}-dataplanes`;
  mkdirSync(directory, { recursive: true });
  const tokenFile = join(directory, `${pki}.token`);
  const render: TokenMesh['render'] = (changes) =>
    renderVaultMesh({
      address: vault.address,
      pki,
      auth: `{token: {file: ${tokenFile}}}`,
      caFile: vault.caFile,
      ...changes,
    });
  const { code, out, error } = await runSetup(vault, { directory, mesh: render(), args: ['--apply', ...args] });
  if (code !== 0) throw new Error(`setup ended with ${code}: ${out}${error}`);
  const command = /^vault (token create .*)$/m.exec(out)?.[1]?.replace(/ > .*/, '') ?? '';
  writeFileSync(tokenFile, await vault.cli(command.split(' ')), { mode: 0o600 });
  return { pki, policy, tokenFile, render };
}
