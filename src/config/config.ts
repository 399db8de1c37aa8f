/**
 * The whole configuration of one agent, as the rest of the program sees it: one Mesh and one Agent document, checked,
 * with every default filled in.
 *
 * @module
 */

import type { FilesConfig } from '../delivery/files/config.ts';
import type { HookConfig } from '../delivery/hooks/config.ts';
import type { SdsConfig } from '../delivery/sds/config.ts';
import type { VerifyConfig } from '../delivery/verify/config.ts';
import type { WorkloadApiConfig } from '../delivery/workload-api/config.ts';
import type { KeyType } from '../identity/key-pair.ts';
import type { SpiffeId } from '../identity/spiffe-id.ts';
import type { AcmPcaConfig } from '../issuer/acmpca/config.ts';
import type { BuiltinConfig } from '../issuer/builtin/config.ts';
import type { CertManagerConfig } from '../issuer/certmanager/config.ts';
import type { KubernetesConfig } from '../issuer/kubernetes/config.ts';
import type { ProvidedConfig } from '../issuer/provided/config.ts';
import type { VaultConfig } from '../issuer/vault/config.ts';

export interface Config {
  /** The mesh's name. */
  readonly mesh: string;
  readonly service: string;
  /** `spiffe://<trust domain><path>`, rendered from the template. */
  readonly spiffeId: SpiffeId;
  readonly tags: Readonly<Record<string, string>>;
  /** Undefined: the agent chooses, EC P-256 unless the CA demands RSA. */
  readonly keyType: KeyType | undefined;
  /** SPIFFE IDs, exact or ending in `/*`, that may connect to this service. */
  readonly allow: readonly string[];
  /** Undefined: mTLS is off for this mesh, nothing is issued. */
  readonly backend: Backend | undefined;
  /** All the backends of the Mesh that this version has an issuer for, the enabled one among them. */
  readonly backends: readonly Backend[];
  /** Names of all the backends in the Mesh, in its order. */
  readonly supportedBackends: readonly string[];
  readonly deliver: DeliverConfig;
  readonly rotation: {
    /** At most 0.02: the share of the lifetime by which a rotation may be late. */ readonly jitterRatio: number;
    /** Whether a certificate that all agents ask for at once may live for less than the others. */
    readonly spreads: boolean;
    /** Names of the backends that are asked, in turn, when the enabled one has not issued in time. */
    readonly standbyBackends: readonly string[];
    /** The share of the life left after a rotation was due that must be gone before. Default 0.5. */
    readonly standbyRatio: number;
  };
  readonly telemetry: { readonly host: string /** 0: any free port. */; readonly port: number };
  readonly admin: { /** Path of the Unix socket. */ readonly socket: string };
}

/** One CA of the Mesh. */
export interface Backend {
  readonly name: string;
  readonly mode: 'STRICT' | 'PERMISSIVE';
  /** Lifetime to ask for, in seconds. Default 30 days. */
  readonly ttlSeconds: number;
  /** Limit of one issue, in milliseconds. Default 10 s. */
  readonly requestTimeoutMs: number;
  readonly issuer: IssuerConfig;
}

export type IssuerConfig =
  | VaultConfig
  | BuiltinConfig
  | ProvidedConfig
  | CertManagerConfig
  | AcmPcaConfig
  | KubernetesConfig;

/** How generations are handed over. */
export interface DeliverConfig {
  /** Empty only where sds or workloadApi is there: then no key touches a disk. */
  readonly files: readonly FilesConfig[];
  readonly sds?: SdsConfig | undefined;
  readonly workloadApi?: WorkloadApiConfig | undefined;
  readonly hooks: readonly HookConfig[];
  readonly verify: readonly VerifyConfig[];
}

/** One mistake in the configuration, so that all can be told at once. */
export interface Problem {
  /** The file as the user named it, `MESHCERT_CONFIG`, or `defaults` for what no file says. */
  readonly file: string;
  /** Counted from 1; 0 for the file as a whole. */
  readonly line: number;
  /** `mtls.backends[0].conf.fromCp.address`; empty for the document itself. */
  readonly key: string;
  /** What is wrong, and what was expected. */
  readonly message: string;
  /** The nearest known key, or what to write. */
  readonly hint?: string | undefined;
  /** A warning leaves the configuration usable. */
  readonly severity: 'error' | 'warning';
}
