import { statusError } from '../../grpc/status.ts';
import { type DiscoveryRequest, SECRET_TYPE } from './messages.ts';
import type { Secrets, VersionedSecret } from './secrets.ts';

/** What the client of one stream wants and has. A value: handlers make new ones. */
export interface Subscription {
  /** Whether it has asked yet. */
  readonly isOpen: boolean;
  /** Names asked for, whether there are such secrets or not. */
  readonly names: ReadonlySet<string>;
  /** It wants everything, names or not. */
  readonly isWildcard: boolean;
  /** What was sent last, version by name. */
  readonly sent: ReadonlyMap<string, string>;
  /** Of responses; the nonce of the last one is this number. */
  readonly responseCount: number;
  /** The last response that it rejected, by its number. */
  readonly lastRejected: number;
}

export const NEW_SUBSCRIPTION: Subscription = {
  isOpen: false,
  names: new Set(),
  isWildcard: false,
  sent: new Map(),
  responseCount: 0,
  lastRejected: 0,
};

/** What a request makes of a subscription. */
export interface Received {
  readonly subscription: Subscription;
  /** The client could not use what it was sent last; in its own words. */
  readonly rejection?: string;
}

/** One variant of the xDS protocol, as pure functions. */
export interface Protocol<Request, Response> {
  /** @throws StatusError for a request that ends the stream. */
  receive(subscription: Subscription, request: Request): Received;
  /** The response undefined: the client has all that it wants and that there is. */
  respond(
    subscription: Subscription,
    secrets: Secrets,
  ): { readonly subscription: Subscription; readonly response?: Response };
}

/** A client names the secrets that its configuration uses: a handful. */
const MAX_NAMES = 256;
/** Asks for everything, where names are expected (xDS protocol, "How the client specifies what resources to return"). */
export const WILDCARD = '*';

/** Throws for a request that is none for secrets. Clients may leave the type away, as the service has only one. */
export function checkType(typeUrl: string): void {
  if (typeUrl === '' || typeUrl === SECRET_TYPE) return;
  throw statusError('invalidArgument', `unknown type URL; this service has ${SECRET_TYPE}`);
}

/** @throws StatusError for too many. */
export function checkNames(names: ReadonlySet<string>): ReadonlySet<string> {
  if (names.size <= MAX_NAMES) return names;
  throw statusError('resourceExhausted', `more than ${MAX_NAMES} resource names on one stream`);
}

/** Whether a request answers the last response. What answers an older one is stale, and says nothing about the last. */
export function isCurrent({ responseCount }: Subscription, responseNonce: string): boolean {
  return responseNonce === (responseCount === 0 ? '' : String(responseCount));
}

/**
 * Tells whether a request rejects the last response, once for each. What was rejected counts as sent, so that it is not
 * sent again before it changes.
 */
export function noteRejection(
  subscription: Subscription,
  { errorDetail, responseNonce }: Pick<DiscoveryRequest, 'errorDetail' | 'responseNonce'>,
): Received {
  const { responseCount, lastRejected } = subscription;
  const isRejection = errorDetail !== null && responseCount > lastRejected && isCurrent(subscription, responseNonce);
  if (!isRejection) return { subscription };
  return { subscription: { ...subscription, lastRejected: responseCount }, rejection: errorDetail.message };
}

/** What has changed for this client since it was last sent something. */
export function findChanges(
  { names, isWildcard, sent }: Subscription,
  secrets: Secrets,
): { readonly changed: readonly VersionedSecret[]; readonly removed: readonly string[] } {
  const wanted = new Set([...names, ...(isWildcard ? secrets.wildcardNames : [])]);
  const found = [...wanted].flatMap((name) => secrets.find(name) ?? []);
  const present = new Set(found.map(({ name }) => name));
  return {
    changed: found.filter(({ name, version }) => sent.get(name) !== version),
    removed: [...sent.keys()].filter((name) => !present.has(name)),
  };
}

/** After the next response. */
export function noteSent(
  subscription: Subscription,
  changed: readonly VersionedSecret[],
  removed: readonly string[],
): Subscription {
  const sent = new Map(subscription.sent);
  for (const { name, version } of changed) sent.set(name, version);
  for (const name of removed) sent.delete(name);
  const responseCount = subscription.responseCount + 1;
  return { ...subscription, sent, responseCount };
}
