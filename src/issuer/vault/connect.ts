import type { IssuerContext } from '../issuer.ts';
import { openVaultClient, reachedAt, type VaultClient } from './client.ts';
import type { VaultConfig } from './config.ts';
import { openTlsTrust } from './tls-trust.ts';

/** Opens a client with a connection of its own. @throws AgentError `ERR_SOURCE` when the TLS material is broken. */
export type ConnectVault = () => Promise<VaultClient>;

/**
 * How to get at one Vault, or at the Vault Agent before it. CA, client certificate and key are read for every client, and
 * no connection outlives its client: what was changed counts from the next one on, and nothing is still spoken with
 * what was there before.
 */
export function openConnector(config: VaultConfig, context: IssuerContext): ConnectVault {
  const { clock, log, readSource, requestTimeoutMs } = context;
  const isTls = reachedAt(config).startsWith('https:');
  const trust = openTlsTrust(config.tls, readSource, () => clock.nowMs(), log);
  return async () =>
    openVaultClient({
      ...config,
      ...config.tls,
      secureContext: isTls ? await trust() : undefined,
      timeLimitMs: requestTimeoutMs,
      nowMs: () => clock.nowMs(),
    });
}
