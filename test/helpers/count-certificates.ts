import type { Vault } from './vault-client.ts';

/** How many certificates a PKI mount keeps, its own CA's among them: what Vault itself says was issued. */
export async function countCertificates(vault: Vault, mount: string): Promise<number> {
  const { status, body } = await vault.api('LIST', `${mount}/certs`);
  if (status === 404) return 0;
  if (status !== 200) throw new Error(`LIST ${mount}/certs: ${status} ${JSON.stringify(body)}`);
  return (body.data as { readonly keys: readonly string[] }).keys.length;
}
