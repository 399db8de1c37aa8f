import type { DataSource } from '../../data-source.ts';
import type { KubernetesAccess } from '../../kubernetes/access.ts';

/** A signer of CertificateSigningRequests: that of the mesh, or another one of the cluster. */
export interface KubernetesConfig {
  readonly kind: 'kubernetes';
  /** `DOMAIN/PATH`. */
  readonly signerName: string;
  /** Set: the signer is that of the mesh, which is told the backend of the Mesh that is to sign. */
  readonly backend?: string | undefined;
  /** Where the CA certificates are that peers are to trust. */
  readonly trust: TrustSource;
  /** Undefined: the environment gives none, which is told when a certificate is wanted. */
  readonly access: KubernetesAccess | undefined;
}

export type TrustSource =
  /** PEM. */
  | { readonly kind: 'source'; readonly source: DataSource }
  /** PEM in a key of a ConfigMap, such as the signer of a mesh publishes. */
  | { readonly kind: 'configMap'; readonly namespace: string; readonly name: string; readonly key: string }
  /** The cluster's own bundles for the signer. */
  | { readonly kind: 'clusterTrustBundles' };
