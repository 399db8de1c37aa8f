/**
 * What every kind of CA implements. A new kind is a folder beside this file, a line in `open.ts`, and its `conf` schema
 * in `../config/backends.ts`.
 *
 * The agent keeps the private key: an issuer sees a certificate signing request only.
 *
 * @module
 */
import type { Clock } from '../clock.ts';
import type { ReadDataSource } from '../data-source.ts';
import type { KeyType } from '../identity/key-pair.ts';
import type { SpiffeId } from '../identity/spiffe-id.ts';
import type { Log } from '../log.ts';

export interface IssueRequest {
  /** The one identity to certify. */
  readonly spiffeId: SpiffeId;
  /**
   * Gives the PKCS#10 request, DER: the SPIFFE ID is its only subject alternative name, and it has no subject. Key and
   * request are made when it is first asked for, which takes 100 ms for RSA: best while a login is under way.
   */
  readonly makeCsr: () => Promise<Buffer>;
  /** The type of the key in the CSR. */
  readonly keyType: KeyType;
  /** The lifetime to ask for, in seconds. Advisory: a CA may give less, and the certificate says what it gave. */
  readonly ttlSeconds: number;
  /** The lifetime that is configured, for what people are told, where this certificate is to have less. Default: `ttlSeconds`. */
  readonly fullTtlSeconds?: number;
}

/** A CA's answer, unverified: nobody may use it before `verifyIssued` has made an identity of it. */
export interface Issued {
  /** Certificates in DER: the leaf, then intermediates towards the root, in order; roots may be left in. */
  readonly chain: readonly Buffer[];
  /** Trust anchors in DER: what peers must trust to accept the leaf. Not empty. */
  readonly roots: readonly Buffer[];
  /** PKCS#8, PEM. Only when the CA insists on making the key itself; then it takes the place of the CSR's. */
  readonly privateKeyPem?: string;
}

export interface Issuer {
  /**
   * Has the request signed. Called by the rotation engine, one call at a time; the issuer logs in for it as it needs to.
   *
   * @throws AgentError. `ERR_KEY_TYPE` (its `detail` names the key type that would be accepted) lets the engine try
   *   again at once with such a key, when the user left the choice to the agent.
   */
  issue(request: IssueRequest, signal: AbortSignal): Promise<Issued>;
  /**
   * Asks whether the CA could sign now, without a certificate and, where it answers without one, without a login. What only
   * a request shows (a role's rules, our credentials) it cannot know. Called while an `issue` may be under way.
   *
   * @throws AgentError why it could not.
   */
  probe(signal: AbortSignal): Promise<void>;
  /**
   * The CA certificates, DER, that peers must trust to accept leaves of this CA: what an `issue` would return as `roots`,
   * read without one and, where the CA answers without, without a login. Not empty. Called while an `issue` may be under
   * way.
   *
   * @throws AgentError
   */
  readRoots(signal: AbortSignal): Promise<readonly Buffer[]>;
  /** Ends connections and gives back what was borrowed (a login token). Never throws; may be called twice. */
  close(): Promise<void>;
}

/** What an issuer is given besides its own configuration. */
export interface IssuerContext {
  /** The backend's name in the Mesh, for messages. */
  readonly backend: string;
  /** The mesh's name; some CAs keep one folder or mount per mesh. */
  readonly mesh: string;
  /** Of the SPIFFE IDs that will be asked for; a CA that makes itself is made for it. */
  readonly trustDomain: string;
  /** The limit for one whole `issue`, logins included, in milliseconds; also for a `probe` and for `readRoots`. */
  readonly requestTimeoutMs: number;
  /** Reads a credential anew. */
  readonly readSource: ReadDataSource;
  readonly clock: Clock;
  /** From 0 to 1; for pauses, never for keys and names. */
  readonly random: () => number;
  readonly log: Log;
  readonly observer: IssuerObserver;
}

/** What an issuer tells while it works, for metrics. */
export interface IssuerObserver {
  /** A step (`login`, `sign`) ended well after so many seconds. */
  stepTook(step: string, seconds: number): void;
  /** The CA's clock minus ours, in seconds. */
  clockSkewSeen(seconds: number): void;
  /** The credential that we log in with (`service_account_token`, `vault_token`) ends at this moment. */
  credentialExpires(kind: string, atMs: number): void;
}
