import type { DataSource } from '../../data-source.ts';

/** How to reach one PKI role of one Vault: the Mesh's `conf.fromCp`, filled in from the environment and with defaults. */
export interface VaultConfig {
  readonly kind: 'vault';
  /** Base URL, `https://vault.example:8200`, without a path; where only `agentAddress` was given, that. */
  readonly address: string;
  /**
   * Of a Vault Agent or Vault Proxy that every request goes through instead: `http://127.0.0.1:8100`, or
   * `unix:///run/vault/agent.sock`.
   */
  readonly agentAddress?: string | undefined;
  /** Enterprise namespace, sent as X-Vault-Namespace. */
  readonly namespace?: string | undefined;
  /** Mount path of the PKI engine, without slashes at its ends. Default `kuma-pki-<mesh>`. */
  readonly pki: string;
  /** Default `dataplanes`. */
  readonly role: string;
  /** Rendered, at most 64 characters. Default: certificates have no subject. */
  readonly commonName?: string | undefined;
  readonly tls: VaultTls;
  /** How requests travel. Default: directly, each once, following redirects. */
  readonly transport?: VaultTransport | undefined;
  readonly auth: VaultAuth;
  /** PEM: at most one root and two intermediates. Default: what Vault's answers hold. */
  readonly caChain?: DataSource | undefined;
}

export interface VaultTls {
  /** PEM certificates that Vault's own TLS certificate must lead to. Default: the system's. */
  readonly caCert?: DataSource | undefined;
  readonly skipVerify: boolean;
  /** Asked for by SNI and looked for in Vault's certificate, instead of the host in the address. */
  readonly serverName?: string | undefined;
  /** PEM, leaf first: shown to whoever asks for a client certificate. Never without `clientKey`. */
  readonly clientCert?: DataSource | undefined;
  /** PEM, not encrypted. */
  readonly clientKey?: DataSource | undefined;
}

/** What only variables of the environment say, by the names that they have for Vault's own clients. */
export interface VaultTransport {
  /** Default: none. A Unix socket is never asked through it. */
  readonly proxy?: VaultProxy | undefined;
  /** Where the Mesh does not say how long a request for a certificate may take; otherwise without effect. */
  readonly requestTimeoutMs?: number | undefined;
  /** How often a request that fails is repeated at once; an attempt to get a certificate has several. Default 0. */
  readonly maxRetries?: number | undefined;
  /** Default: the one of a standby is followed, as far as client.ts says. */
  readonly ignoresRedirects?: boolean | undefined;
  /** Sent with every request, to Vault alone. Values may be secrets. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** A forward proxy between here and Vault. */
export interface VaultProxy {
  /** `http://proxy.example:3128`, or `https:`, without user and password. */
  readonly address: string;
  /** The value of Proxy-Authorization: a secret. */
  readonly authorization?: string | undefined;
  /** Where it is configured: `HTTPS_PROXY`. */
  readonly variable: string;
  /** Hosts that are asked directly, as in NO_PROXY, and this machine. Undefined: none, not even this machine. */
  readonly exceptions?: string | undefined;
}

/** A `mountPath` is the API path of an auth mount without `/v1/` and slashes at its ends, such as `auth/kubernetes`. */
export type VaultAuth =
  /** No login and no token of ours: the Vault Agent at `agentAddress` adds its own (auto-auth). */
  | { readonly method: 'agent' }
  | { readonly method: 'token'; readonly token: DataSource }
  | {
      readonly method: 'kubernetes';
      readonly role: string;
      /** Default `auth/kubernetes`. */
      readonly mountPath: string;
      /** The projected service-account token. Default `/var/run/secrets/kubernetes.io/serviceaccount/token`. */
      readonly tokenPath: string;
      /** What the token's `aud` must hold; checked before it is sent, so that the mistake has a name. */
      readonly audience?: string | undefined;
    }
  /** By the client certificate in {@link VaultTls}. */
  | {
      readonly method: 'tls';
      /** Undefined: Vault tries all its roles. */
      readonly role?: string | undefined;
      /** Default `auth/cert`. */
      readonly mountPath: string;
    }
  | {
      readonly method: 'approle';
      readonly roleId: DataSource;
      /** Undefined: the role needs none. */
      readonly secretId?: DataSource | undefined;
      /** Default `auth/approle`. */
      readonly mountPath: string;
    }
  | {
      readonly method: 'jwt';
      /** Undefined: the default role of the mount. */
      readonly role?: string | undefined;
      readonly token: DataSource;
      /** Default `auth/jwt`. */
      readonly mountPath: string;
    }
  /** By a signed request to AWS STS that Vault passes on ("IAM"), with the credentials that the AWS SDK finds. */
  | {
      readonly method: 'aws';
      /** Undefined: the one that is named like the IAM user or role. */
      readonly role?: string | undefined;
      /** What X-Vault-AWS-IAM-Server-ID must say, so that a login cannot be replayed at another Vault. */
      readonly iamServerIdHeader?: string | undefined;
      /** Default `auth/aws`. */
      readonly mountPath: string;
      /** That the request is signed for. Default `us-east-1`, which the global endpoint of STS belongs to. */
      readonly region: string;
    };
