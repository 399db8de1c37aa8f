import type { DeltaDiscoveryRequest, DiscoveryRequest } from '../../src/delivery/sds/messages.ts';
import type { Secrets } from '../../src/delivery/sds/secrets.ts';
import {
  NEW_SUBSCRIPTION,
  type Protocol,
  type Received,
  type Subscription,
} from '../../src/delivery/sds/subscription.ts';

/** Secrets without content, by the versions of their names. */
export function makePlainSecrets(versions: Readonly<Record<string, string>>, wildcardNames: string[] = []): Secrets {
  return {
    version: Object.values(versions).join('-'),
    wildcardNames,
    find(name) {
      const version = Object.hasOwn(versions, name) ? versions[name] : undefined;
      if (version === undefined) return undefined;
      return { name, version, resource: { type_url: 'secret', value: Buffer.from(`${name}@${version}`) } };
    },
  };
}

/** Plays a protocol without a network: what a test reads are names and versions, such as `default@1`. */
export function playProtocol<Request, Response extends { readonly nonce: string }>(
  protocol: Protocol<Request, Response>,
  render: (response: Response) => readonly string[],
) {
  let subscription: Subscription = NEW_SUBSCRIPTION;
  let secrets: Secrets | undefined;
  const respond = (): readonly string[] | undefined => {
    if (secrets === undefined) return undefined;
    const { subscription: next, response } = protocol.respond(subscription, secrets);
    subscription = next;
    return response && render(response);
  };
  return {
    /** @returns the response; undefined: there is none. */
    have(next: Secrets): readonly string[] | undefined {
      secrets = next;
      return respond();
    },
    /** @returns the response; undefined: there is none. */
    ask(request: Request): readonly string[] | undefined {
      subscription = protocol.receive(subscription, request).subscription;
      return respond();
    },
    /** As `ask`, for the rejection that is told. */
    reject(request: Request): Received['rejection'] {
      const received = protocol.receive(subscription, request);
      subscription = received.subscription;
      return received.rejection;
    },
    respond,
    subscription: () => subscription,
  };
}

const COMMON = { node: null, typeUrl: '', responseNonce: '', errorDetail: null };

export function makeRequest(request: Partial<DiscoveryRequest>): DiscoveryRequest {
  return { ...COMMON, resourceNames: [], ...request };
}

export function makeDeltaRequest(request: Partial<DeltaDiscoveryRequest>): DeltaDiscoveryRequest {
  const empty = { resourceNamesSubscribe: [], resourceNamesUnsubscribe: [], initialResourceVersions: {} };
  return { ...COMMON, ...empty, ...request };
}
