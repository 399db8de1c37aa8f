import t from 'tap';
import type { VaultConfig } from '../../src/issuer/vault/config.ts';
import { holdToIssuerContract } from '../contract/issuer-contract.ts';
import { freePort } from '../helpers/free-port.ts';
import { configureKongVaultPki } from '../helpers/kong-vault-pki.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { uniqueName } from '../helpers/unique-name.ts';

const { vault } = await sharedPeers(t);

/** What the README tells administrators, where the Kong Mesh document falls short. */
const role = { key_type: 'any', key_bits: '0', key_usage: 'DigitalSignature,KeyEncipherment' };

for (const ca of ['root', 'intermediate'] as const) {
  t.test(`a Vault whose mount holds a CA that is a ${ca}`, async (t) => {
    const { mount: pki, rootPem } = await configureKongVaultPki(vault, {
      mesh: 'default',
      mount: uniqueName('pki'),
      ca,
      role,
    });
    const config: VaultConfig = {
      kind: 'vault',
      address: vault.address,
      pki,
      role: 'dataplanes',
      tls: { skipVerify: false },
      auth: { method: 'token', token: { kind: 'inline', value: vault.rootToken } },
      ...(ca === 'intermediate' && { caChain: { kind: 'inline' as const, value: rootPem } }),
    };
    holdToIssuerContract(t, {
      config,
      absent: {
        config: { ...config, caChain: undefined, address: `http://127.0.0.1:${await freePort()}` },
        code: 'ERR_CA_UNREACHABLE',
      },
    });
  });
}
