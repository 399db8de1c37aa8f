import type { IssuerConfig } from '../config/config.ts';
import type { Issuer, IssuerContext } from './issuer.ts';

type OpenIssuer<Kind extends IssuerConfig['kind']> = (
  config: Extract<IssuerConfig, { kind: Kind }>,
  context: IssuerContext,
) => Issuer;

/** One line per kind of CA. Each is loaded only when it is opened, with whatever client it brings. */
const ISSUERS: { readonly [Kind in IssuerConfig['kind']]: () => Promise<OpenIssuer<Kind>> } = {
  vault: async () => (await import('./vault/index.ts')).openVault,
  builtin: async () => (await import('./builtin/index.ts')).openBuiltin,
  provided: async () => (await import('./provided/index.ts')).openProvided,
  acmpca: async () => (await import('./acmpca/index.ts')).openAcmPca,
  certmanager: async () => (await import('./certmanager/index.ts')).openCertManager,
  kubernetes: async () => (await import('./kubernetes/index.ts')).openKubernetesSigner,
};

/** Opens the issuer for a backend. Touches neither network nor files; those wait for the first `issue`. */
export async function openIssuer<Kind extends IssuerConfig['kind']>(
  config: Extract<IssuerConfig, { kind: Kind }>,
  context: IssuerContext,
): Promise<Issuer> {
  const open: OpenIssuer<Kind> = await ISSUERS[config.kind as Kind]();
  return open(config, context);
}
