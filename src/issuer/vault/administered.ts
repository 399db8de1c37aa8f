/**
 * What an administrator of Vault has to do with, as far as the configuration tells.
 *
 * @module
 */
import type { VaultConfig } from './config.ts';

/** Where roles and CAs are: `pki` of the configuration may end in `/issuer/REF`. */
export function pkiMountOf(pki: string): string {
  return pki.replace(/\/issuer\/[^/]+$/, '');
}

/** The policy that `meshcert setup vault` makes for those who use the role. */
export function policyNameOf({ pki, role }: Pick<VaultConfig, 'pki' | 'role'>): string {
  return `meshcert-${pkiMountOf(pki)}-${role}`.replaceAll('/', '-');
}
