import { type CallContext, serveDuplex, serveUnary } from '../../grpc/streams.ts';
import { delta } from './delta.ts';
import { fetchSecrets } from './fetch.ts';
import type { DiscoveryRequest } from './messages.ts';
import type { SdsObserver } from './sds.ts';
import { stateOfTheWorld } from './state-of-the-world.ts';
import { type StreamPorts, streamSecrets } from './stream.ts';
import type { Protocol } from './subscription.ts';

/** The methods of the secret discovery service. */
export function makeSdsHandlers(ports: StreamPorts, observer: SdsObserver) {
  const serve = <Request, Response>(protocol: Protocol<Request, Response>) =>
    serveDuplex(async function* (requests: AsyncIterable<Request>, { signal }: CallContext) {
      observer.streamOpened();
      try {
        yield* streamSecrets(protocol, requests, signal, ports);
      } finally {
        observer.streamClosed();
      }
    });
  return {
    StreamSecrets: serve(stateOfTheWorld),
    DeltaSecrets: serve(delta),
    FetchSecrets: serveUnary((request: DiscoveryRequest) => fetchSecrets(request, ports.secrets.current())),
  };
}
