/**
 * EndEntityCertificate takes the SAN from the request, and sets CA:FALSE, digitalSignature, keyEncipherment, serverAuth and
 * clientAuth. A common name can be given with its variant only (AWS Private CA User Guide, "template definitions").
 *
 * @param partition of the CA's ARN: `aws`, `aws-cn`.
 * @returns the ARN.
 */
export function nameTemplate(partition: string, hasCommonName: boolean): string {
  return `arn:${partition}:acm-pca:::template/EndEntityCertificate${hasCommonName ? '_APIPassthrough' : ''}/V1`;
}
