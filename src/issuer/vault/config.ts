import type { DataSource } from '../../data-source.ts';

/** How to reach one PKI role of one Vault, as the Mesh's `conf.fromCp` gave it, defaults filled in. */
export interface VaultConfig {
  readonly kind: 'vault';
  /** Base URL, `https://vault.example:8200`, without a path. */
  readonly address: string;
  /** Enterprise namespace, sent as X-Vault-Namespace. */
  readonly namespace?: string | undefined;
  /** Mount path of the PKI engine, without slashes at its ends. Default `kuma-pki-<mesh>`. */
  readonly pki: string;
  /** Default `dataplanes`. */
  readonly role: string;
  readonly tls: {
    /** PEM certificates that Vault's own TLS certificate must lead to. Default: the system's. */
    readonly caCert?: DataSource | undefined;
    readonly skipVerify: boolean;
    readonly serverName?: string | undefined;
  };
  readonly auth: VaultAuth;
  /** PEM: at most one root and two intermediates. Default: what Vault's answers hold. */
  readonly caChain?: DataSource | undefined;
}

export type VaultAuth =
  | { readonly method: 'token'; readonly token: DataSource }
  | {
      readonly method: 'kubernetes';
      readonly role: string;
      /** API path of the auth mount without `/v1/` and slashes at its ends. Default `auth/kubernetes`. */
      readonly mountPath: string;
      /** The projected service-account token. Default `/var/run/secrets/kubernetes.io/serviceaccount/token`. */
      readonly tokenPath: string;
      /** What the token's `aud` must hold; checked before it is sent, so that the mistake has a name. */
      readonly audience?: string | undefined;
    };
