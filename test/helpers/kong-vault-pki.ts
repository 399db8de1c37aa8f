import type { Vault } from './vault-client.ts';

export interface KongVaultPkiOptions {
  /** Trust domain of the SPIFFE IDs. */
  readonly mesh: string;
  /** Default `kuma-pki-<mesh>`. */
  readonly mount?: string;
  /** What the policy lets its tokens do. Default `sign`: what we ask for, and `issue` too; `issue`: as Kong Mesh documents. */
  readonly grant?: 'sign' | 'issue';
  /** Further parameters of the role, or others than documented: `{ key_type: 'any' }`. */
  readonly role?: Readonly<Record<string, string>>;
  /** Default `root`; `intermediate`: the mount's CA is signed by a root in a mount `<mount>-root`. */
  readonly ca?: 'root' | 'intermediate';
}

export interface KongVaultPki {
  readonly mount: string;
  readonly role: 'dataplanes';
  /** Name of the policy, for tokens and auth roles. */
  readonly policy: string;
  /** PEM of the root. */
  readonly rootPem: string;
}

/** Runs the commands of Kong Mesh's documentation for its `vault` backend, word for word but for names. */
export async function configureKongVaultPki(vault: Vault, options: KongVaultPkiOptions): Promise<KongVaultPki> {
  const { mesh, mount = `kuma-pki-${mesh}`, grant = 'sign', ca = 'root' } = options;
  const policy = `${mount}-dataplanes`;
  const rootMount = ca === 'root' ? mount : `${mount}-root`;
  let rootPem = await vault.shell(`
vault secrets enable -path=${rootMount} pki >&2
vault secrets tune -max-lease-ttl=87600h ${rootMount} >&2
vault write -field=certificate ${rootMount}/root/generate/internal \\
common_name="Kong Mesh ${mesh}" \\
uri_sans="spiffe://${mesh}" \\
ttl=87600h
`);
  rootPem = `${rootPem.trim()}\n`;
  if (ca === 'intermediate') await makeIntermediate(vault, { mesh, mount, rootMount });
  const more = Object.entries(options.role ?? {}).map(([name, value]) => `${name}="${value}" `);
  const signToo =
    grant === 'issue' ? '' : `path "/${mount}/sign/dataplanes"\n{\ncapabilities = ["create", "update"]\n}\n`;
  await vault.shell(`
vault write ${mount}/roles/dataplanes \\
allowed_uri_sans="spiffe://${mesh}/*,kuma://*" \\
key_usage="KeyUsageKeyEncipherment,KeyUsageKeyAgreement,KeyUsageDigitalSignature" \\
ext_key_usage="ExtKeyUsageServerAuth,ExtKeyUsageClientAuth" \\
client_flag=true \\
require_cn=false \\
basic_constraints_valid_for_non_ca=true \\
max_ttl="720h" \\
ttl="720h" ${more.join('')}
cat > ${policy}.hcl <<- EOM
path "/${mount}/issue/dataplanes"
{
capabilities = ["create", "update"]
}
${signToo}EOM
vault policy write ${policy} ${policy}.hcl
`);
  return { mount, role: 'dataplanes', policy, rootPem };
}

async function makeIntermediate(
  vault: Vault,
  { mesh, mount, rootMount }: { mesh: string; mount: string; rootMount: string },
): Promise<void> {
  await vault.shell(`
vault secrets enable -path=${mount} pki
vault secrets tune -max-lease-ttl=43800h ${mount}
vault write -field=csr ${mount}/intermediate/generate/internal \\
common_name="Kong Mesh ${mesh} intermediate" > ${mount}.csr
vault write -field=certificate ${rootMount}/root/sign-intermediate \\
csr=@${mount}.csr format=pem_bundle ttl=43800h uri_sans="spiffe://${mesh}" > ${mount}.crt
vault write ${mount}/intermediate/set-signed certificate=@${mount}.crt
`);
}
