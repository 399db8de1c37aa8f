import { type DiscoveryRequest, type DiscoveryResponse, SECRET_TYPE } from './messages.ts';
import {
  checkNames,
  checkType,
  findChanges,
  isCurrent,
  noteRejection,
  noteSent,
  type Protocol,
  type Subscription,
  WILDCARD,
} from './subscription.ts';

/**
 * The state-of-the-world variant (xDS protocol, "SotW"): each request names all that the client wants.
 *
 * A response holds what has changed, which is enough for secrets: of a secret that is not in it nothing is said. So a
 * client whose name exists gets one secret for it, and a client whose name does not exist yet gets it when it does.
 */
export const stateOfTheWorld: Protocol<DiscoveryRequest, DiscoveryResponse> = {
  receive(subscription, request) {
    checkType(request.typeUrl);
    // A first request may carry the version of an earlier stream; it is to be answered whatever it carries.
    if (subscription.isOpen && !isCurrent(subscription, request.responseNonce)) return { subscription };
    return noteRejection(subscribe(subscription, request), request);
  },

  respond(subscription, secrets) {
    const { changed } = findChanges(subscription, secrets);
    if (changed.length === 0) return { subscription };
    const next = noteSent(subscription, changed, []);
    const response = {
      versionInfo: secrets.version,
      resources: changed.map(({ resource }) => resource),
      typeUrl: SECRET_TYPE,
      nonce: String(next.responseCount),
    };
    return { subscription: next, response };
  },
};

function subscribe(before: Subscription, { resourceNames }: DiscoveryRequest): Subscription {
  const names = checkNames(new Set(resourceNames));
  // An empty list asks for everything until names have been given; then it asks for nothing.
  const isLegacyWildcard = names.size === 0 && (!before.isOpen || before.isWildcard) && before.names.size === 0;
  const isWildcard = isLegacyWildcard || names.has(WILDCARD);
  const sent = isWildcard ? before.sent : new Map([...before.sent].filter(([name]) => names.has(name)));
  return { ...before, isOpen: true, names, isWildcard, sent };
}
