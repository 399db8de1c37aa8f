/**
 * A gRPC server on one Unix socket, for all services that the configuration puts there.
 *
 * Whoever can open the socket is served, so its mode, group and directory are what guards it; there is no TLS on it.
 *
 * @module
 */
import type { Server, ServiceDefinition, UntypedHandleCall, UntypedServiceImplementation } from '@grpc/grpc-js';
import type { Clock } from '../clock.ts';
import type { UnixSocketOptions } from '../unix-socket/listen-at-path.ts';
import { statusError } from './status.ts';
import { openUnixListener, type UnixListener } from './unix-listener.ts';

/** One service as grpc-js knows it: `findService` of proto.ts, and what `serveStream` and its like of streams.ts make. */
export interface GrpcService {
  readonly definition: ServiceDefinition;
  readonly handlers: UntypedServiceImplementation;
}

export interface GrpcSocket {
  /** Adds a service; before `open`, which loads it. */
  add(load: () => Promise<GrpcService>): void;
  /**
   * Listens. Idempotent, and to be called again when something is to be handed over: it listens anew when the socket's
   * file has gone meanwhile. May be tried again after a failure.
   *
   * @throws AgentError `ERR_LISTEN`
   */
  open(): Promise<void>;
  /**
   * Ends every stream with UNAVAILABLE, then the server, and removes the socket's file if it is its own. Takes a second
   * at most. Idempotent.
   */
  close(): Promise<void>;
}

export interface GrpcSocketPorts {
  readonly clock: Clock;
}

/** For clients to read how their streams ended. */
const CLOSE_TIMEOUT_MS = 1_000;
/** A request names a node and secrets; the node of Istio's Envoys holds some 10 KiB. */
const MAX_REQUEST_BYTES = 1024 * 1024;
const MAX_STREAMS_PER_CONNECTION = 1024;
/** Each takes some 50 KiB. An Envoy opens one for each secret, a program one or two. */
const MAX_STREAMS = 2048;

/** Touches no file and loads no gRPC; that waits for `open`. */
export function openGrpcSocket(options: UnixSocketOptions, { clock }: GrpcSocketPorts): GrpcSocket {
  const loaders: (() => Promise<GrpcService>)[] = [];
  let serving: Promise<Serving> | undefined;
  let listener: UnixListener | undefined;
  let lastWork: Promise<unknown> = Promise.resolve();
  let closing = false;

  /** Two deliveries may share this socket, and open it at the same time. */
  function serially<T>(work: () => Promise<T>): Promise<T> {
    const done = lastWork.then(work, work);
    lastWork = done.catch(() => undefined);
    return done;
  }

  async function listen(): Promise<void> {
    if (closing || (await listener?.isInPlace())) return;
    await listener?.close();
    listener = undefined;
    serving ??= startServing(loaders);
    const { connect } = await serving;
    listener = await openUnixListener(options, connect);
  }

  async function end(): Promise<void> {
    await listener?.close();
    const served = await serving?.catch(() => undefined);
    if (served === undefined) return;
    const done = new AbortController();
    await Promise.race([served.end(), clock.sleep(CLOSE_TIMEOUT_MS, done.signal)]);
    done.abort();
    served.destroy();
  }

  return {
    add: (load) => void loaders.push(load),
    open: () => serially(listen),
    close() {
      if (closing) return lastWork.then(() => undefined);
      closing = true;
      return serially(end);
    },
  };
}

interface Serving {
  connect(connection: import('node:net').Socket): void;
  /** Ends all calls; resolves when the clients have been told. */
  end(): Promise<void>;
  destroy(): void;
}

async function startServing(loaders: readonly (() => Promise<GrpcService>)[]): Promise<Serving> {
  // By its default: what a bundle makes of a CommonJS package has no other names when it is loaded late.
  const [{ default: grpc }, services] = await Promise.all([
    import('@grpc/grpc-js'),
    Promise.all(loaders.map((load) => load())),
  ]);
  // It would write its own lines between those of the log.
  grpc.setLogVerbosity(grpc.logVerbosity.NONE);
  const server = new grpc.Server({
    'grpc.enable_channelz': 0,
    'grpc.max_receive_message_length': MAX_REQUEST_BYTES,
    'grpc.max_concurrent_streams': MAX_STREAMS_PER_CONNECTION,
  });
  const calls = new Set<StreamingCall>();
  for (const { definition, handlers } of services) server.addService(definition, trackCalls(handlers, calls));
  const injector = server.createConnectionInjector(grpc.ServerCredentials.createInsecure());
  return {
    connect: (connection) => injector.injectConnection(connection),
    end: () => endCalls(server, calls),
    destroy: () => server.forceShutdown(),
  };
}

type StreamingCall = NodeJS.EventEmitter & { end(): unknown };

function trackCalls(handlers: UntypedServiceImplementation, calls: Set<StreamingCall>): UntypedServiceImplementation {
  const track = (handle: UntypedHandleCall): UntypedHandleCall => {
    return (call: unknown, ...others: unknown[]) => {
      if (isStreaming(call)) {
        if (calls.size >= MAX_STREAMS) {
          call.emit('error', statusError('resourceExhausted', `${MAX_STREAMS} streams are open already`));
          return;
        }
        calls.add(call);
        for (const event of ['close', 'finish', 'cancelled']) call.once(event, () => calls.delete(call));
      }
      (handle as (...all: unknown[]) => void)(call, ...others);
    };
  };
  return Object.fromEntries(Object.entries(handlers).map(([name, handle]) => [name, track(handle)]));
}

function isStreaming(call: unknown): call is StreamingCall {
  return typeof call === 'object' && call !== null && 'end' in call;
}

function endCalls(server: Server, calls: ReadonlySet<StreamingCall>): Promise<void> {
  // Never an OK end: clients take that for the last word, and some watch no longer.
  for (const call of calls) call.emit('error', statusError('unavailable', 'the agent is shutting down'));
  return new Promise((resolve) => server.tryShutdown(() => resolve()));
}
