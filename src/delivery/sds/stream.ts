import type { StateStream } from '../../store/state-stream.ts';
import type { Secrets } from './secrets.ts';
import { NEW_SUBSCRIPTION, type Protocol } from './subscription.ts';

export interface StreamPorts {
  /** Undefined: there was no identity yet. */
  readonly secrets: StateStream<Secrets | undefined>;
  /** The client could not use what it was sent; in its own words, which may be anything. */
  rejected(reason: string): void;
}

/**
 * One stream: takes requests as they come, and sends what has changed whenever the client can take it. However many
 * requests and generations there were meanwhile, there is one response to come, made of the newest state.
 *
 * @param signal aborted when the client has gone.
 */
export async function* streamSecrets<Request, Response>(
  { receive, respond }: Protocol<Request, Response>,
  requests: AsyncIterable<Request>,
  signal: AbortSignal,
  { secrets, rejected }: StreamPorts,
): AsyncGenerator<Response, void> {
  let subscription = NEW_SUBSCRIPTION;
  const news = openBell();
  const ended = new AbortController();

  async function readAll(): Promise<void> {
    for await (const request of requests) {
      const received = receive(subscription, request);
      subscription = received.subscription;
      if (received.rejection !== undefined) rejected(received.rejection);
      news.ring();
    }
  }

  async function watchSecrets(): Promise<void> {
    for await (const _ of secrets.changes(AbortSignal.any([signal, ended.signal]))) news.ring();
    news.ring();
  }

  let failure: { readonly thrown: unknown } | undefined;
  void readAll()
    .catch((thrown: unknown) => {
      failure = { thrown };
    })
    .finally(() => {
      ended.abort();
    });
  void watchSecrets();
  try {
    for (;;) {
      await news.rung();
      if (signal.aborted) return;
      if (failure !== undefined) throw failure.thrown;
      const hasEnded = ended.signal.aborted;
      const current = secrets.current();
      if (current !== undefined && subscription.isOpen) {
        const { subscription: next, response } = respond(subscription, current);
        subscription = next;
        if (response !== undefined) yield response;
      }
      if (hasEnded) return;
    }
  } finally {
    ended.abort();
  }
}

/** Many may ring; who waits is woken once. */
function openBell(): { ring(): void; rung(): Promise<void> } {
  let next = Promise.withResolvers<void>();
  return {
    ring: () => next.resolve(),
    async rung() {
      await next.promise;
      next = Promise.withResolvers();
    },
  };
}
