import type { Socket } from 'node:net';
import { reachedAt } from '../../issuer/vault/client.ts';
import type { VaultConfig, VaultProxy } from '../../issuer/vault/config.ts';
import { isExcepted } from '../../issuer/vault/proxy/is-excepted.ts';
import { nameProxy } from '../../issuer/vault/proxy/proxy-errors.ts';
import { connectToProxy, openTunnel } from '../../issuer/vault/proxy/tunnel.ts';
import { openTlsTrust } from '../../issuer/vault/tls-trust.ts';
import type { Outcome } from '../examination.ts';
import type { DoctorPorts } from '../ports.ts';

/** What stands between here and Vault. */
export interface ProxyOnTheWay {
  readonly proxy: VaultProxy;
  /** Whether it is there, and lets us through as far as that can be seen before something is asked. */
  check(): Promise<Outcome<true>>;
  /** To a Vault with TLS. @throws AgentError that says what the proxy does instead. */
  openTunnel(): Promise<Socket>;
}

/** Undefined: Vault is asked directly. The address has to be a URL. */
export function findProxy(
  vault: VaultConfig,
  { readSource, clock }: DoctorPorts,
  limitMs: number,
): ProxyOnTheWay | undefined {
  const base = reachedAt(vault);
  const proxy = vault.transport?.proxy;
  if (proxy === undefined || base.startsWith('unix:') || isExcepted(proxy.exceptions, new URL(base))) return undefined;

  const approach = async (connect: typeof openTunnel): Promise<Socket> => {
    const secureContext = needsTrust(proxy)
      ? await openTlsTrust(vault.tls, readSource, () => clock.nowMs())()
      : undefined;
    return connect(proxy, base, { secureContext, skipVerify: vault.tls.skipVerify }, AbortSignal.timeout(limitMs));
  };
  const isTls = base.startsWith('https:');
  return {
    proxy,
    openTunnel: () => approach(openTunnel),
    async check() {
      (await approach(isTls ? openTunnel : connectToProxy)).destroy();
      const does = isTls ? `connects to ${new URL(base).host}` : 'accepts connections';
      return { verdict: 'pass', cause: `the ${nameProxy(proxy)} ${does}`, value: true };
    },
  };
}

function needsTrust({ address }: VaultProxy): boolean {
  return address.startsWith('https:');
}
