import { type DeltaDiscoveryRequest, type DeltaDiscoveryResponse, SECRET_TYPE } from './messages.ts';
import {
  checkNames,
  checkType,
  findChanges,
  noteRejection,
  noteSent,
  type Protocol,
  type Subscription,
  WILDCARD,
} from './subscription.ts';

/** The incremental variant (xDS protocol, "Incremental xDS"): requests add names and take them back. */
export const delta: Protocol<DeltaDiscoveryRequest, DeltaDiscoveryResponse> = {
  receive(subscription, request) {
    checkType(request.typeUrl);
    return noteRejection(subscribe(subscription, request), request);
  },

  respond(subscription, secrets) {
    const { changed, removed } = findChanges(subscription, secrets);
    if (changed.length === 0 && removed.length === 0) return { subscription };
    const next = noteSent(subscription, changed, removed);
    const response = {
      systemVersionInfo: secrets.version,
      resources: changed.map(({ name, version, resource }) => ({ name, version, resource })),
      removedResources: removed,
      typeUrl: SECRET_TYPE,
      nonce: String(next.responseCount),
    };
    return { subscription: next, response };
  },
};

function subscribe(before: Subscription, request: DeltaDiscoveryRequest): Subscription {
  const { resourceNamesSubscribe: added, resourceNamesUnsubscribe: dropped } = request;
  const names = checkNames(new Set([...before.names, ...added]).difference(new Set(dropped)));
  const isLegacyWildcard = !before.isOpen && added.length === 0;
  const isWildcard = (before.isWildcard || isLegacyWildcard || added.includes(WILDCARD)) && !dropped.includes(WILDCARD);
  const sent = new Map([...before.sent].filter(([name]) => isWildcard || names.has(name)));
  if (!before.isOpen) {
    // What a client kept over a restart of either side need not be sent again.
    const kept = Object.entries(request.initialResourceVersions).filter(([name]) => isWildcard || names.has(name));
    checkNames(new Set(kept.map(([name]) => name)));
    for (const [name, version] of kept) sent.set(name, version);
  }
  // Who asks for a name again is to be sent it again.
  if (before.isOpen) for (const name of added) sent.delete(name);
  return { ...before, isOpen: true, names, isWildcard, sent };
}
