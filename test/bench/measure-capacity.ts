import { SpiffeId } from '../../src/identity/spiffe-id.ts';
import { openVaultIssuer } from '../helpers/vault-issuer.ts';
import type { Setting } from './contenders.ts';

export interface CaCapacity {
  /** As many at a time. */
  readonly concurrency: number;
  readonly issuesPerSecond: number;
}

/**
 * How many certificates a second the real Vault issues to agents which each log in anew. They, Vault and the cluster that
 * it asks share this machine, so it is a low estimate.
 */
export async function measureCapacity(
  setting: Omit<Setting, 'ttlSeconds'>,
  concurrency: number,
  seconds: number,
): Promise<CaCapacity> {
  const { vaultAddress, pkiMount, pkiRole, authRole, tokenFile } = setting;
  const spiffeId = new SpiffeId('bench', '/web');
  const startMs = performance.now();
  const counts = await Promise.all(
    Array.from({ length: concurrency }, async () => {
      const { issuer, issue } = openVaultIssuer({
        address: vaultAddress,
        auth: { method: 'kubernetes', role: authRole, mountPath: 'auth/kubernetes', tokenPath: tokenFile },
        pki: pkiMount,
        role: pkiRole,
        requestTimeoutMs: 60_000,
      });
      let count = 0;
      while (performance.now() - startMs < seconds * 1000) {
        await issue({ spiffeId });
        count += 1;
      }
      await issuer.close();
      return count;
    }),
  );
  const issued = counts.reduce((sum, one) => sum + one, 0);
  return { concurrency, issuesPerSecond: issued / ((performance.now() - startMs) / 1000) };
}
