import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createKubernetesRole } from '../helpers/kubernetes-auth.ts';
import { type StartedPeers, startSharedPeers } from '../helpers/shared-peers.ts';
import type { Setting } from './contenders.ts';

/** Starts Vault and the cluster when they are first asked for. */
export function openVaultSetting(directory: string) {
  let peers: Promise<StartedPeers> | undefined;
  let setting: Promise<Omit<Setting, 'ttlSeconds'>> | undefined;
  return {
    get(): Promise<Omit<Setting, 'ttlSeconds'>> {
      peers ??= startSharedPeers();
      setting ??= peers.then((started) => prepareVault(started, directory));
      return setting;
    },
    async close(): Promise<void> {
      await (await peers)?.stop();
    },
  };
}

/** A PKI with an EC role, so that both sides make the key that they make by default, and a role to log in with. */
async function prepareVault({ vault, cluster }: StartedPeers, directory: string): Promise<Omit<Setting, 'ttlSeconds'>> {
  await vault.shell(`
vault secrets enable -path=pki-bench pki
vault write pki-bench/root/generate/internal common_name=bench key_type=ec ttl=24h
vault write pki-bench/roles/web key_type=ec key_bits=256 require_cn=false "allowed_uri_sans=spiffe://bench/*" basic_constraints_valid_for_non_ca=true max_ttl=24h
vault policy write bench - <<EOF
path "pki-bench/issue/web" { capabilities = ["create", "update"] }
path "pki-bench/sign/web" { capabilities = ["create", "update"] }
EOF
`);
  await cluster.createNamespace('bench');
  await cluster.createServiceAccount('bench', 'web');
  const token = await cluster.createToken('bench', 'web', { audiences: ['vault'], expirationSeconds: 7200 });
  const tokenFile = join(directory, 'token');
  writeFileSync(tokenFile, token, { mode: 0o600 });
  await createKubernetesRole(vault, { role: 'bench', namespace: 'bench', serviceAccount: 'web', policies: ['bench'] });
  return {
    vaultAddress: vault.address,
    vaultCaFile: vault.caFile,
    pkiMount: 'pki-bench',
    pkiRole: 'web',
    authRole: 'bench',
    tokenFile,
  };
}
