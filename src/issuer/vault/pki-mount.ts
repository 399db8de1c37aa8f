/** Where roles and CAs are: `pki` of the configuration may end in `/issuer/REF`. */
export function pkiMountOf(pki: string): string {
  return pki.replace(/\/issuer\/[^/]+$/, '');
}
