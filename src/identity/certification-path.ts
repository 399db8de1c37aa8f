import type { Certificate } from './certificate.ts';
import { isIssuedBy } from './is-issued-by.ts';

/**
 * Looks for a path from the leaf to a trust anchor (RFC 5280, section 6, without policies, name constraints and
 * revocation, which the X509-SVID profile does not use).
 *
 * @param candidates intermediates that came with the leaf, in any order.
 * @returns the intermediates that the path uses, from the leaf upwards, or the reason why there is none.
 */
export function findPath(
  leaf: Certificate,
  candidates: readonly Certificate[],
  anchors: readonly Certificate[],
  nowMs: number,
): readonly Certificate[] | string {
  const path: Certificate[] = [];
  let lowest = leaf;
  for (;;) {
    if (anchors.some((anchor) => mayHaveIssued(anchor, lowest, path.length, nowMs))) return path;
    const next = candidates.find((one) => !path.includes(one) && mayHaveIssued(one, lowest, path.length, nowMs));
    if (next === undefined) {
      return `no valid CA certificate among those known issued "${describe(lowest)}" (issuer: ${oneLine(lowest.x509.issuer)})`;
    }
    path.push(next);
    lowest = next;
  }
}

/** @param below how many intermediates stand between this CA and the leaf, for the path length constraint. */
function mayHaveIssued(ca: Certificate, subject: Certificate, below: number, nowMs: number): boolean {
  const { x509, basicConstraints, keyUsage } = ca;
  return (
    basicConstraints?.ca === true &&
    (basicConstraints.pathLength === undefined || basicConstraints.pathLength >= below) &&
    (keyUsage === undefined || keyUsage.has('keyCertSign')) &&
    nowMs >= x509.validFromDate.getTime() &&
    nowMs < x509.validToDate.getTime() &&
    isIssuedBy(subject.x509, x509)
  );
}

function describe({ x509, uris }: Certificate): string {
  return uris[0] ?? (oneLine(x509.subject) || x509.serialNumber);
}

function oneLine(name: string | undefined): string {
  return (name ?? '').replaceAll('\n', ', ').slice(0, 200);
}
