/**
 * What a mesh trusts, over time: the CAs that are, and those that were, for as long as leaves under them may live. Pure.
 *
 * @module
 */

/** One CA certificate that peers are to trust. */
export interface Anchor {
  readonly backend: string;
  /** DER. */
  readonly certificate: Buffer;
  /** Undefined: its backend has it. Otherwise it has gone, and leaves the bundle then: milliseconds since 1970. */
  readonly leavesAtMs: number | undefined;
}

export interface BackendTrust {
  readonly name: string;
  /** DER. */
  readonly certificates: readonly Buffer[];
  /** How long leaves of this backend live. */
  readonly lifetimeMs: number;
}

/** The longest life of leaves of a backend that is gone, where nobody remembers it: that of Kuma's default. */
const FORGOTTEN_LIFETIME_MS = 30 * 86_400_000;

/**
 * @param published what was published last, by this process or another one.
 * @param backends those of the Mesh now; of a CA that could not be read, nothing is known here, so what was stays.
 * @param unread names of those.
 */
export function mergeTrust(
  published: readonly Anchor[],
  backends: readonly BackendTrust[],
  unread: readonly string[],
  nowMs: number,
): Anchor[] {
  const current = backends.flatMap(({ name, certificates }) =>
    certificates.map((certificate) => ({ backend: name, certificate, leavesAtMs: undefined })),
  );
  const isCurrent = (one: Anchor) =>
    current.some(({ backend, certificate }) => backend === one.backend && certificate.equals(one.certificate));
  const earlier = published
    .filter((one) => !isCurrent(one))
    .map((one) => {
      if (unread.includes(one.backend)) return one;
      const lifetimeMs = backends.find(({ name }) => name === one.backend)?.lifetimeMs ?? FORGOTTEN_LIFETIME_MS;
      return { ...one, leavesAtMs: one.leavesAtMs ?? nowMs + lifetimeMs };
    });
  return [...current, ...earlier.filter(({ leavesAtMs }) => leavesAtMs === undefined || leavesAtMs > nowMs)];
}
