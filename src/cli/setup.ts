import { join } from 'node:path';
import { systemClock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import { type Findings, Place } from '../config/place.ts';
import { formatProblem } from '../config/problem.ts';
import { readVaultEnvironment } from '../config/vault/environment.ts';
import { readTransport } from '../config/vault/transport.ts';
import type { ReadDataSource } from '../data-source.ts';
import { AgentError } from '../errors.ts';
import type { SetupSubject } from '../setup/vault/plan.ts';
import type { SetupVaultOptions } from '../setup/vault/setup-vault.ts';
import type { AdminAccess } from '../setup/vault/vault-admin.ts';
import type { Edge, ExitCode } from './edge.ts';
import { openSources } from './open-sources.ts';
import { readConfigOfAgent } from './read-config-of-agent.ts';
import { renderDone } from './render-done.ts';

const LEFT = 'left as it is; roles, policies and configurations are changed with --force';

export interface SetupOptions extends SetupVaultOptions {
  readonly files: readonly string[];
  /** Do it, instead of printing it. */
  readonly apply?: boolean | undefined;
  /** Of Vault, for the administrator. Default: VAULT_ADDR, else the Mesh's. */
  readonly address?: string | undefined;
  readonly secretsDir: string;
}

/**
 * What Vault needs: as a script on stdout, or done.
 *
 * @returns 1 when something is there that differs, or waits for a person.
 * @throws AgentError
 */
export async function setupVault(options: SetupOptions, edge: Edge): Promise<ExitCode> {
  const { config, problems } = await readConfigOfAgent(options.files, edge);
  for (const problem of problems) edge.writeError(`${formatProblem(problem)}\n`);
  if (config === undefined) return 2;
  const subject = findSubject(config);
  const access = readAccess(subject, options, edge);
  const readSource = openSources(options.secretsDir, edge);
  const { printSetup, applySetup } = await import('../setup/vault/setup-vault.ts');
  if (!options.apply) {
    edge.writeOut(await printSetup(subject, options, access, readSource));
    return 0;
  }
  const token = await readToken(edge, readSource);
  const { hints, isComplete } = await applySetup(
    subject,
    options,
    { ...access, token },
    { readSource, clock: systemClock, random: edge.random, tell: (done) => edge.writeOut(renderDone(done, LEFT)) },
  );
  for (const hint of hints) edge.writeOut(`${hint}\n`);
  return isComplete ? 0 : 1;
}

function findSubject({ backend, mesh, spiffeId, keyType }: Config): SetupSubject {
  const vault = backend?.issuer;
  if (backend !== undefined && vault?.kind === 'vault') {
    return { vault, mesh, spiffeId, keyType, ttlSeconds: backend.ttlSeconds };
  }
  const found = backend === undefined ? 'none is enabled' : `"${backend.name}" is of the type ${vault?.kind}`;
  throw new AgentError('ERR_CONFIG', `setup vault needs a backend of the type vault, and ${found}`, {
    remedy: 'name one in mtls.enabledBackend',
  });
}

/** As Vault's own clients see it: their environment goes before the configuration, which is the agent's. */
function readAccess({ vault }: SetupSubject, options: SetupOptions, edge: Edge): Omit<AdminAccess, 'token'> {
  const findings: Findings = { problems: [], saidOnce: new Set() };
  const place = new Place({ file: 'environment', locate: () => 0 }, findings);
  const given = readVaultEnvironment(edge.environment, place, edge.currentDirectory);
  const address = options.address ?? given.address ?? vault.address;
  const transport = readTransport(edge.environment, place, address);
  const [problem] = findings.problems;
  if (problem !== undefined) throw new AgentError('ERR_CONFIG', formatProblem(problem));
  if (!/^https?:\/\//.test(address) || !URL.canParse(address)) {
    throw new AgentError('ERR_CONFIG', `"${address}" is no address of Vault`, {
      remedy: 'write it like --address https://vault.example:8200',
    });
  }
  return {
    address: new URL(address).origin,
    namespace: given.namespace ?? vault.namespace,
    transport,
    tls: {
      caCert: given.caCert ?? vault.tls.caCert,
      skipVerify: given.skipVerify ?? vault.tls.skipVerify,
      serverName: given.serverName ?? vault.tls.serverName,
      clientCert: given.clientCert,
      clientKey: given.clientKey,
    },
  };
}

/** Never the agent's own login: what sets up is not what is set up. */
async function readToken({ environment }: Edge, readSource: ReadDataSource): Promise<string> {
  const given = environment.VAULT_TOKEN?.trim();
  if (given !== undefined && given !== '') return given;
  const stored = { kind: 'file', path: join(environment.HOME ?? '/', '.vault-token') } as const;
  const token = await readSource(stored).catch(() => '');
  if (token.trim() !== '') return token.trim();
  throw new AgentError('ERR_CONFIG', 'there is no token of an administrator of Vault', {
    remedy: 'set VAULT_TOKEN, or run: vault login',
  });
}
