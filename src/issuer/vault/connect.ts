import type { Clock } from '../../clock.ts';
import type { ReadDataSource } from '../../data-source.ts';
import type { Log } from '../../log.ts';
import { openVaultClient, usesTls, type VaultClient } from './client.ts';
import type { VaultConfig } from './config.ts';
import { openTlsTrust } from './tls-trust.ts';

/** Opens a client with a connection of its own. @throws AgentError `ERR_SOURCE` when the TLS material is broken. */
export type ConnectVault = () => Promise<VaultClient>;

/** What connecting needs of an issuer's context; whoever connects once needs no log. */
export interface ConnectContext {
  readonly clock: Pick<Clock, 'nowMs' | 'sleep'>;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly readSource: ReadDataSource;
  /** For messages: the limit of the caller's signal. */
  readonly requestTimeoutMs: number;
  readonly log?: Pick<Log, 'error'>;
}

/**
 * How to get at one Vault, or at the Vault Agent before it. CA, client certificate and key are read for every client, and
 * no connection outlives its client: what was changed counts from the next one on, and nothing is still spoken with
 * what was there before.
 */
export function openConnector(
  config: Pick<VaultConfig, 'address' | 'agentAddress' | 'namespace' | 'tls' | 'transport'>,
  context: ConnectContext,
): ConnectVault {
  const { clock, log, readSource, requestTimeoutMs } = context;
  const { maxRetries = 0, ...transport } = config.transport ?? {};
  const isTls = usesTls({ ...config, ...transport });
  const trust = openTlsTrust(config.tls, readSource, () => clock.nowMs(), log);
  return async () => {
    const client = await openVaultClient({
      ...config,
      ...config.tls,
      ...transport,
      secureContext: isTls ? await trust() : undefined,
      timeLimitMs: requestTimeoutMs,
      nowMs: () => clock.nowMs(),
    });
    if (maxRetries === 0) return client;
    const { retryRequests } = await import('./retry-requests.ts');
    return retryRequests(client, maxRetries, context);
  };
}
