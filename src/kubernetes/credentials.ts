import type { Agent } from 'node:http';
import type { TokenClaims } from './token-claims.ts';

/** The API server as one of our identities reaches it. */
export interface Cluster {
  /** Base URL without a slash at its end. */
  readonly address: string;
  /** The namespace that we live in. */
  readonly namespace: string;
  /**
   * Reads anew who we are: tokens and CAs are replaced while we run.
   *
   * @throws AgentError `ERR_SOURCE`
   */
  readCredentials(): Promise<Credentials>;
  /** What our token tells of us; undefined: we have none of a service account. */
  readClaims(): TokenClaims | undefined;
}

export interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsOptions;
  /** Undefined: straight to the address. */
  readonly proxy?: Agent | undefined;
}

/** As of `node:tls`; PEM. */
export interface TlsOptions {
  readonly ca?: string | Buffer | undefined;
  readonly cert?: string | Buffer | undefined;
  readonly key?: string | Buffer | undefined;
  readonly servername?: string | undefined;
  readonly rejectUnauthorized?: boolean | undefined;
}
