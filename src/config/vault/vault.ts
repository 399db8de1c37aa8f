import type { DataSource } from '../../data-source.ts';
import type { VaultAuth, VaultConfig, VaultTls } from '../../issuer/vault/config.ts';
import type { BackendContext } from '../backends.ts';
import { readCommonName } from '../common-name.ts';
import type { Place } from '../place.ts';
import { type Read, readMapping } from '../read.ts';
import { anything, flag, isAbsent, isMapping, keys, maybe, text } from '../schema.ts';
import { source, useSource } from '../source.ts';
import { address, agentAddress, warnOfAddress } from './address.ts';
import { apiPath, namespace, pkiPath, roleName } from './api-path.ts';
import { type ReadAuth, readAuth } from './auth.ts';
import { readVaultEnvironment, type VaultEnvironment } from './environment.ts';
import { readTransport, warnOfUnused } from './transport.ts';

const FROM_CP = {
  address: maybe(address),
  agentAddress: maybe(agentAddress),
  namespace: maybe(namespace),
  pki: maybe(apiPath),
  role: maybe(roleName),
  commonName: maybe(text),
  tls: maybe(
    keys({
      caCert: maybe(source),
      skipVerify: maybe(flag),
      serverName: maybe(text),
      clientCert: maybe(source),
      clientKey: maybe(source),
    }),
  ),
  auth: anything,
  pkiPath: maybe(pkiPath),
  caChain: maybe(source),
};

type FromCp = Read<typeof FROM_CP>;

/**
 * Reads the `conf` of a backend of type `vault`; undefined when a mistake was reported. What it leaves out is taken from
 * the VAULT_* variables of the environment.
 */
export function readVault(conf: unknown, place: Place, context: BackendContext): VaultConfig | undefined {
  const { fromCp } = readMapping({ fromCp: anything }, conf, place);
  const inside = place.at('fromCp');
  const environment = readVaultEnvironment(context.environment, place, context.currentDirectory);
  if (isAbsent(fromCp) && environment.address === undefined && environment.agentAddress === undefined) {
    inside.error('missing: expected the address of Vault, and how to log in (address, auth)');
    return undefined;
  }
  const read = readMapping(FROM_CP, fromCp, inside);
  const raw = fromCp ?? {};
  if (!isMapping(raw)) return undefined;
  if (!isAbsent(raw.pkiPath)) {
    for (const key of ['pki', 'role'].filter((name) => !isAbsent(raw[name]))) {
      inside.at(key).error('expected either pkiPath, or pki and role', 'pkiPath holds both');
    }
  }
  const agent = isAbsent(raw.agentAddress) ? environment.agentAddress : read.agentAddress;
  const server = isAbsent(raw.address) ? (environment.address ?? agent) : read.address;
  if (server === undefined && isAbsent(raw.address) && isAbsent(raw.agentAddress)) {
    inside.at('address').error('missing', 'write it like https://vault.example:8200');
  }
  const otherwise = chooseOtherwise(environment, agent !== undefined || !isAbsent(raw.agentAddress));
  const login = readAuth(raw.auth, inside.at('auth'), { ...context, otherwise });
  const tls = readTls(read, login, environment, inside, context.currentDirectory);
  const transport = readTransport(context.environment, place, agent ?? server);
  if (login.auth?.method === 'tls') checkClientLogin({ server, agent, tls }, inside);
  if (context.isEnabled) warnOfRisks({ server, agent, tls }, read, inside);
  if (context.isEnabled) warnOfUnused(context.environment, place, agent ?? server);
  const commonName = readCommonName(read.commonName, inside.at('commonName'), context);
  if (server === undefined || login.auth === undefined) return undefined;
  return {
    kind: 'vault',
    address: server,
    agentAddress: agent,
    namespace: read.namespace ?? environment.namespace,
    pki: read.pkiPath?.pki ?? read.pki ?? `kuma-pki-${context.mesh}`,
    role: read.pkiPath?.role ?? read.role ?? 'dataplanes',
    commonName,
    tls,
    transport,
    auth: login.auth,
    caChain: read.caChain && useSource(read.caChain, inside.at('caChain'), context.currentDirectory),
  };
}

/** A Vault Agent can add a token of its own; a token of the environment is for those who configured no login. */
function chooseOtherwise({ token }: VaultEnvironment, hasAgent: boolean): VaultAuth | undefined {
  if (token !== undefined) return { method: 'token', token };
  return hasAgent ? { method: 'agent' } : undefined;
}

function readTls(
  read: FromCp,
  login: ReadAuth,
  environment: VaultEnvironment,
  place: Place,
  currentDirectory: string,
): VaultTls {
  const use = (name: 'caCert' | 'clientCert' | 'clientKey'): DataSource | undefined => {
    const found = read.tls?.[name];
    return found && useSource(found, place.at('tls', name), currentDirectory);
  };
  const written = {
    clientCert: login.clientCert ?? use('clientCert'),
    clientKey: login.clientKey ?? use('clientKey'),
  };
  const isWritten = written.clientCert !== undefined || written.clientKey !== undefined;
  const { clientCert, clientKey } = isWritten ? written : environment;
  if ((clientCert === undefined) !== (clientKey === undefined)) {
    const missing = clientCert === undefined ? 'clientCert' : 'clientKey';
    place.at('tls', missing).error('missing: a client certificate and its key belong together');
  }
  return {
    caCert: use('caCert') ?? environment.caCert,
    skipVerify: read.tls?.skipVerify ?? environment.skipVerify ?? false,
    serverName: read.tls?.serverName ?? environment.serverName,
    clientCert,
    clientKey,
  };
}

interface Way {
  readonly server: string | undefined;
  readonly agent: string | undefined;
  readonly tls: VaultTls;
}

/** Vault looks at the certificate of the connection, so there has to be one, and it has to be ours. */
function checkClientLogin({ server, agent, tls }: Way, place: Place): void {
  const inside = place.at('auth', 'tls');
  if (tls.clientCert === undefined && tls.clientKey === undefined) {
    inside.error('missing: expected clientCert and clientKey to log in with');
  }
  if (agent !== undefined) {
    inside.error('a client certificate does not get through a Vault Agent', 'leave agentAddress out, or auth');
  } else if (server?.startsWith('http:')) {
    place.at('address').error('to log in with a client certificate, https:// is needed');
  }
}

function warnOfRisks({ server, agent, tls }: Way, read: FromCp, place: Place): void {
  if (tls.skipVerify) {
    const where = read.tls?.skipVerify === undefined ? place.outside('environment').at('VAULT_SKIP_VERIFY') : undefined;
    const message = 'the certificate of Vault is not checked, which is for development only';
    (where ?? place.at('tls', 'skipVerify')).warn(message);
  }
  if (agent !== undefined) warnOfAddress(agent, place.at('agentAddress'));
  else if (server !== undefined) warnOfAddress(server, place.at('address'));
}
