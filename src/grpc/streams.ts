/**
 * Calls of grpc-js as asynchronous iterations.
 *
 * One message is under way at a time: the next one is asked for when the client's window has taken the last. Whoever
 * yields the newest state when asked so never queues more than one for a slow reader.
 *
 * @module
 */
import type {
  handleBidiStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
  ServerDuplexStream,
  ServerWritableStream,
} from '@grpc/grpc-js';
import { statusError, toStatusError } from './status.ts';

export interface CallContext {
  /** The values of a metadata key, in their order. */
  metadata(key: string): readonly string[];
  /** Aborted when the client has gone, or the server ends; nothing can be sent any more. */
  readonly signal: AbortSignal;
}

/** One request, one response. Whatever is thrown becomes the status ({@link toStatusError}). */
export function serveUnary<Request, Response>(
  handle: (request: Request, context: CallContext) => Promise<Response> | Response,
): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    const gone = new AbortController();
    call.once('cancelled', () => gone.abort());
    void (async () => handle(call.request, makeContext(call.metadata, gone.signal)))().then(
      (response) => callback(null, response),
      (thrown: unknown) => callback(toStatusError(thrown)),
    );
  };
}

/**
 * One request, then what the handler yields. Its end is the end of the call with OK; what it throws becomes the status.
 *
 * @param handle must end when the signal is aborted.
 */
export function serveStream<Request, Response>(
  handle: (request: Request, context: CallContext) => AsyncIterable<Response>,
): handleServerStreamingCall<Request, Response> {
  return (call) => void send(call, (context) => handle(call.request, context));
}

/**
 * As {@link serveStream}, for calls with many requests. They end when the client says so; they throw when it has gone.
 * A request is taken from the network when it is asked for.
 */
export function serveDuplex<Request, Response>(
  handle: (requests: AsyncIterable<Request>, context: CallContext) => AsyncIterable<Response>,
): handleBidiStreamingCall<Request, Response> {
  return (call) =>
    void send(call, (context) => handle({ [Symbol.asyncIterator]: () => readRequests<Request>(call) }, context));
}

type WritableCall<Response> = ServerWritableStream<unknown, Response> | ServerDuplexStream<unknown, Response>;

async function send<Response>(
  call: WritableCall<Response>,
  start: (context: CallContext) => AsyncIterable<Response>,
): Promise<void> {
  const gone = new AbortController();
  const { signal } = gone;
  // An error is how a status is set from outside: the server ends.
  for (const event of ['close', 'cancelled', 'error']) call.once(event, () => gone.abort());
  try {
    for await (const message of start(makeContext(call.metadata, signal))) {
      if (signal.aborted) return;
      await write(call, message, signal);
    }
    if (!signal.aborted) call.end();
  } catch (thrown) {
    if (!signal.aborted) call.emit('error', toStatusError(thrown));
  }
}

/** Resolves when the message is on its way, or never will be: grpc-js forgets those that are under way when a client goes. */
function write<Response>(call: WritableCall<Response>, message: Response, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      signal.removeEventListener('abort', done);
      resolve();
    };
    signal.addEventListener('abort', done);
    call.write(message, done);
  });
}

async function* readRequests<Request>(call: ServerDuplexStream<Request, unknown>): AsyncGenerator<Request, void> {
  try {
    // Its own end must not tear the call down: there may be more to send.
    yield* call.iterator({ destroyOnReturn: false }) as AsyncIterable<Request>;
  } catch {
    throw statusError('unavailable', 'the client has gone');
  }
}

function makeContext(metadata: { get(key: string): (string | Buffer)[] }, signal: AbortSignal): CallContext {
  return { metadata: (key) => metadata.get(key).map(String), signal };
}
