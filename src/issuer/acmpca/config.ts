import type { DataSource } from '../../data-source.ts';

/** One CA of AWS Private CA: the Mesh's `conf`, with what its ARN says. */
export interface AcmPcaConfig {
  readonly kind: 'acmpca';
  /** `arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/...` */
  readonly arn: string;
  /** The CA's, of its ARN. */
  readonly region: string;
  /** Of the ARN: `aws`, `aws-cn`, `aws-us-gov`. */
  readonly partition: string;
  /** Where AWS STS is asked for credentials: AWS_REGION, else the CA's region. */
  readonly loginRegion: string;
  /** Rendered, at most 64 characters. Default: certificates have no subject. */
  readonly commonName?: string | undefined;
  /** PEM: what peers are to trust, intermediates may stand with it. Default: the root of the CA's own chain. */
  readonly caCert?: DataSource | undefined;
  /** An access key and its secret. Default: what the AWS SDK finds in environment, files and metadata services. */
  readonly credentials?: { readonly accessKey: DataSource; readonly accessKeySecret: DataSource } | undefined;
}
