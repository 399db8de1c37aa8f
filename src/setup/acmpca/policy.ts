import type { AcmPcaConfig } from '../../issuer/acmpca/config.ts';
import { nameTemplate } from '../../issuer/acmpca/template.ts';

/**
 * What an agent has to be allowed to do, and no more: order certificates of the one template that makes no CAs, and fetch them;
 * see the state and the root of the CA. IAM knows no condition on the names in a request.
 *
 * @returns an identity-based policy of IAM, JSON.
 */
export function renderPolicy({ arn, partition, commonName }: AcmPcaConfig): string {
  const template = nameTemplate(partition, commonName !== undefined);
  const policy = {
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'OrderCertificates',
        Effect: 'Allow',
        Action: 'acm-pca:IssueCertificate',
        Resource: arn,
        Condition: { StringEquals: { 'acm-pca:TemplateArn': template } },
      },
      {
        Sid: 'FetchThemAndSeeTheCa',
        Effect: 'Allow',
        Action: [
          'acm-pca:GetCertificate',
          'acm-pca:DescribeCertificateAuthority',
          'acm-pca:GetCertificateAuthorityCertificate',
        ],
        Resource: arn,
      },
    ],
  };
  return JSON.stringify(policy, undefined, 2);
}
