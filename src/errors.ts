/**
 * Every failure that leaves a module of meshcert is an {@link AgentError} with a code of this closed list.
 *
 * @module
 */

/**
 * What went wrong, from the point of view of whoever has to mend it. The list is closed: codes are labels of metrics
 * and part of the contract with users.
 */
export type ErrorCode =
  /** The configuration, or the way the program was called, is wrong. */
  | 'ERR_CONFIG'
  /** A credential or other source (token, CA file, key) cannot be read or is not what it should be. */
  | 'ERR_SOURCE'
  /** No connection to the CA: name, route, refused, reset, time limit. */
  | 'ERR_CA_UNREACHABLE'
  /** The CA's TLS certificate was not accepted, or it did not accept ours. */
  | 'ERR_CA_TLS'
  /** The CA answers that it cannot serve now: sealed, not initialised, standby, internal error. */
  | 'ERR_CA_UNAVAILABLE'
  /** The CA asks to be asked less often. */
  | 'ERR_CA_THROTTLED'
  /** The CA does not accept our proof of identity. */
  | 'ERR_LOGIN_DENIED'
  /** We are logged in, but may not do this. */
  | 'ERR_CA_DENIED'
  /** The CA understood the request and will not sign it as it is: role, names, lifetime. */
  | 'ERR_CA_REFUSED'
  /** As ERR_CA_REFUSED, because the CA signs only keys of another type. */
  | 'ERR_KEY_TYPE'
  /** The CA answered with something that is no answer of its protocol. */
  | 'ERR_CA_PROTOCOL'
  /** The CA returned a certificate that must not be used for this identity. */
  | 'ERR_BAD_CERTIFICATE'
  /** A verified identity could not be handed over: directory, permission, disk. */
  | 'ERR_DELIVERY'
  /** A socket or port of our own could not be opened. */
  | 'ERR_LISTEN'
  /** The running agent could not be asked. */
  | 'ERR_AGENT'
  /** A mistake of ours. */
  | 'ERR_INTERNAL';

/**
 * When trying again can help. `soon`: the cause passes by itself. `slowly`: somebody has to mend something first, so
 * keep asking but rarely. `never`: the program ends.
 */
export type RetryClass = 'soon' | 'slowly' | 'never';

const RETRY_CLASS: Readonly<Record<ErrorCode, RetryClass>> = {
  ERR_CONFIG: 'never',
  ERR_SOURCE: 'slowly',
  ERR_CA_UNREACHABLE: 'soon',
  ERR_CA_TLS: 'slowly',
  ERR_CA_UNAVAILABLE: 'soon',
  ERR_CA_THROTTLED: 'soon',
  ERR_LOGIN_DENIED: 'slowly',
  ERR_CA_DENIED: 'slowly',
  ERR_CA_REFUSED: 'slowly',
  ERR_KEY_TYPE: 'slowly',
  ERR_CA_PROTOCOL: 'slowly',
  ERR_BAD_CERTIFICATE: 'slowly',
  ERR_DELIVERY: 'slowly',
  ERR_LISTEN: 'never',
  ERR_AGENT: 'never',
  ERR_INTERNAL: 'soon',
};

export interface AgentErrorOptions {
  /** What to do about it, as an instruction: `run: vault write ...`, `make /x writable for uid 1000`. */
  readonly remedy?: string;
  /** Why exactly, as one word of a closed list of the thrower: a bounded label for metrics, such as `key_mismatch`. */
  readonly detail?: string;
  /** The error underneath, for debugging; never shown to a person as it may hold anything. */
  readonly cause?: unknown;
  /** Instead of the class that the code has by default. */
  readonly retry?: RetryClass;
  /** The CA asked to be left alone for so long (Retry-After), in milliseconds. */
  readonly retryAfterMs?: number;
}

/** A failure in the words of the person who has to mend it. `message` is one line: what failed, and why. */
export class AgentError extends Error {
  override readonly name = 'AgentError';
  readonly code: ErrorCode;
  readonly retry: RetryClass;
  readonly remedy: string | undefined;
  readonly detail: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, options: AgentErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retry = options.retry ?? RETRY_CLASS[code];
    this.remedy = options.remedy;
    this.detail = options.detail;
    this.retryAfterMs = options.retryAfterMs;
  }

  /** The label under which this failure is counted: `ca_unreachable`, `bad_certificate_key_mismatch`. */
  get reason(): string {
    const base = this.code.slice('ERR_'.length).toLowerCase();
    return this.detail === undefined ? base : `${base}_${this.detail}`;
  }

  /** One line for a person: what failed, why, what to do. */
  get line(): string {
    return this.remedy === undefined ? this.message : `${this.message}; ${this.remedy}`;
  }

  /** Any thrown value as an AgentError; what is not one already is a mistake of ours. */
  static from(thrown: unknown): AgentError {
    if (thrown instanceof AgentError) return thrown;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new AgentError('ERR_INTERNAL', `unexpected: ${message.split('\n', 1)[0]}`, { cause: thrown });
  }
}
