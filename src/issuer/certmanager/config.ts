import type { DataSource } from '../../data-source.ts';
import type { KubernetesAccess } from '../../kubernetes/access.ts';

/** Who signs, in a cluster that cert-manager runs in: the Mesh's `conf`, with defaults filled in. */
export interface CertManagerConfig {
  readonly kind: 'certmanager';
  readonly issuerRef: IssuerRef;
  /** PEM: what peers are to trust. Default: the CA that cert-manager names with each certificate, where it does. */
  readonly caCert?: DataSource | undefined;
  /** Undefined: the environment gives none, which is told when a certificate is wanted. */
  readonly access: KubernetesAccess | undefined;
}

export interface IssuerRef {
  readonly name: string;
  /** `Issuer`, of our own namespace, or `ClusterIssuer`, or the kind of an issuer that is not cert-manager's own. */
  readonly kind: string;
  /** Default `cert-manager.io`. */
  readonly group: string;
}
