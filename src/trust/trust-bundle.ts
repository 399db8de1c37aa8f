/**
 * Which CAs peers are verified against: those of every backend of the Mesh, so that a CA can be changed without an
 * outage, and those that went away, until the last certificate under them has expired.
 *
 * @module
 */

export interface Anchor {
  /** DER. */
  readonly certificate: Buffer;
  readonly backend: string;
  /** Milliseconds since 1970. */
  readonly sinceMs: number;
  /** Milliseconds since 1970; undefined: as long as the backend has it. */
  leavesAtMs: number | undefined;
}

/** DER certificates, none twice; those of the backend in use first. */
export class TrustBundle {
  #anchors: Anchor[] = [];

  /**
   * Takes in what a backend's CA is now. An anchor that the backend has no more stays for `lifetimeMs`, as leaves under
   * it may live for that long.
   */
  learn(backend: string, certificates: readonly Buffer[], lifetimeMs: number, nowMs: number): void {
    const known = this.#anchors.filter((anchor) => anchor.backend === backend);
    for (const anchor of known) {
      const stays = certificates.some((certificate) => certificate.equals(anchor.certificate));
      anchor.leavesAtMs = stays ? undefined : (anchor.leavesAtMs ?? nowMs + lifetimeMs);
    }
    const added = certificates.filter((one) => !known.some(({ certificate }) => certificate.equals(one)));
    this.#anchors.push(
      ...added.map((certificate) => ({ certificate, backend, sinceMs: nowMs, leavesAtMs: undefined })),
    );
  }

  /** Every anchor, for a later run. */
  anchors(): readonly Readonly<Anchor>[] {
    return this.#anchors;
  }

  /** Takes in what an earlier run had, before anything is learned. */
  restore(anchors: readonly Readonly<Anchor>[]): void {
    this.#anchors.push(...anchors.map((anchor) => ({ ...anchor })));
  }

  /** The Mesh has this backend no more. Its anchors stay as long as leaves under them may live. */
  retire(backend: string, lifetimeMs: number, nowMs: number): void {
    for (const anchor of this.#anchors) {
      if (anchor.backend === backend) anchor.leavesAtMs ??= nowMs + lifetimeMs;
    }
  }

  /** Lets go of what has left. */
  forget(nowMs: number): void {
    this.#anchors = this.#anchors.filter(({ leavesAtMs }) => leavesAtMs === undefined || leavesAtMs > nowMs);
  }

  /** Whether any CA of this backend is known. */
  knows(backend: string): boolean {
    return this.#anchors.some((anchor) => anchor.backend === backend);
  }

  /** @returns milliseconds since 1970; undefined: it is not in the bundle. */
  knownSinceMs(certificate: Buffer): number | undefined {
    const found = this.#anchors.filter((anchor) => anchor.certificate.equals(certificate));
    return found.length === 0 ? undefined : Math.min(...found.map(({ sinceMs }) => sinceMs));
  }

  /** @param first the backend whose anchors lead the list. */
  certificates(first?: string): Buffer[] {
    const leading = this.#anchors.filter(({ backend }) => backend === first);
    const others = this.#anchors.filter(({ backend }) => backend !== first);
    const all = [...leading, ...others].map(({ certificate }) => certificate);
    return all.filter((one, index) => all.findIndex((other) => other.equals(one)) === index);
  }

  /** When the next anchor leaves, in milliseconds since 1970. */
  nextLeaveMs(): number | undefined {
    const moments = this.#anchors.map(({ leavesAtMs }) => leavesAtMs).filter((at) => at !== undefined);
    return moments.length === 0 ? undefined : Math.min(...moments);
  }
}
