/**
 * The values that travel from the CA to the workload. A value that exists is valid: `verifyIssued` is the only maker.
 *
 * @module
 */
import type { KeyObject } from 'node:crypto';
import type { SpiffeId } from './spiffe-id.ts';

/** One key, one chain, one trust bundle; immutable and verified (X509-SVID, sections 2 to 5). */
export interface Identity {
  readonly spiffeId: SpiffeId;
  /** DER, leaf first, then intermediates towards the root; without the root (RFC 8446, 4.4.2). */
  readonly chain: readonly [Buffer, ...Buffer[]];
  readonly privateKey: KeyObject;
  /** DER certificates of the CAs that peers of this identity are to be verified against. Not empty. */
  readonly trustBundle: readonly Buffer[];
  /** Upper-case hexadecimal, as OpenSSL prints it. */
  readonly serialNumber: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** When the CA's answer arrived, by our clock. Rotation counts from here, as CAs back-date `notBefore`. */
  readonly issuedAt: Date;
}

/** The n-th identity of this process; what deliveries hand over. */
export interface Generation extends Identity {
  /** 1, 2, 3... */
  readonly number: number;
  /** The Mesh backend that issued it. */
  readonly backend: string;
}

/** The write side, for the rotation engine. */
export interface IdentitySink {
  /** Gives the identity its number and makes it the current one. May take its time, when peers must learn first. */
  publish(identity: Identity, backend: string): Generation | Promise<Generation>;
  /** Takes the current one back: it has expired, and is to be served to nobody. */
  withdraw(): void;
}

/** The read side, for everyone downstream. */
export interface IdentitySource {
  /** The generation in service, or undefined: none yet, or it has expired. */
  current(): Generation | undefined;
  /**
   * Every state from now on, the present one first: a generation, or undefined for "none in service". A slow reader
   * gets the newest state and misses those in between. Ends when the signal is aborted.
   */
  changes(signal: AbortSignal): AsyncIterable<Generation | undefined>;
}
