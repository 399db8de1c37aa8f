/**
 * The methods of the SPIFFE Workload API, as functions of the state in service.
 *
 * @module
 */
import { statusError } from '../../grpc/status.ts';
import { type CallContext, serveStream, serveUnary } from '../../grpc/streams.ts';
import type { Generation } from '../../identity/identity.ts';
import type { StateStream } from '../../store/state-stream.ts';
import { renderX509Bundles, renderX509Svids, type X509BundlesResponse, type X509SvidResponse } from './messages.ts';

/** What callers get: a generation, or why there is none. */
export type Served = { readonly generation: Generation } | { readonly unavailable: string };

const SECURITY_HEADER = 'workload.spiffe.io';

const NOT_OFFERED = 'meshcert has X.509-SVIDs only: the JWT-SVID and WIT-SVID profiles are not offered';

/** @param hint for clients with several identities; empty: none. */
export function makeWorkloadApi(state: StateStream<Served>, hint: string) {
  return {
    FetchX509SVID: serveStream((_request: unknown, context) => streamX509Svids(state, hint, context)),
    FetchX509Bundles: serveStream((_request: unknown, context) => streamX509Bundles(state, context)),
    FetchJWTSVID: serveUnary(refuse),
    FetchJWTBundles: serveStream(refuseStream),
    ValidateJWTSVID: serveUnary(refuse),
    FetchWITSVID: serveStream(refuseStream),
    FetchWITBundles: serveStream(refuseStream),
  };
}

/** The whole state at once and at each change of it, until there is none to serve any more: then UNAVAILABLE. */
export async function* streamX509Svids(
  state: StateStream<Served>,
  hint: string,
  context: CallContext,
): AsyncGenerator<X509SvidResponse, void> {
  for await (const generation of followGenerations(state, context)) yield renderX509Svids(generation, hint);
}

/** As {@link streamX509Svids}, without repeating itself when only the leaf has changed. */
export async function* streamX509Bundles(
  state: StateStream<Served>,
  context: CallContext,
): AsyncGenerator<X509BundlesResponse, void> {
  let sent: Buffer | undefined;
  for await (const generation of followGenerations(state, context)) {
    const bundle = Buffer.concat(generation.trustBundle);
    if (sent?.equals(bundle)) continue;
    sent = bundle;
    yield renderX509Bundles(generation);
  }
}

/**
 * Never ends well while the client is there: some libraries take an end with OK for good and stop watching, and some
 * never ask again after PERMISSION_DENIED. After UNAVAILABLE all of them do.
 */
async function* followGenerations(state: StateStream<Served>, context: CallContext): AsyncGenerator<Generation, void> {
  checkSecurityHeader(context);
  for await (const served of state.changes(context.signal)) {
    if ('unavailable' in served) throw statusError('unavailable', served.unavailable);
    yield served.generation;
  }
}

/** SPIFFE Workload Endpoint, sections 3 and 6: against requests that somebody else's server was talked into sending. */
function checkSecurityHeader(context: CallContext): void {
  const values = context.metadata(SECURITY_HEADER);
  if (values.length === 1 && values[0] === 'true') return;
  const found = ['is missing', `is not "true"`][values.length] ?? `stands there ${values.length} times`;
  throw statusError('invalidArgument', `security header ${found}: send the metadata "${SECURITY_HEADER}: true", once`);
}

function refuse(_request: unknown, context: CallContext): never {
  checkSecurityHeader(context);
  throw statusError('unimplemented', NOT_OFFERED);
}

// biome-ignore lint/correctness/useYield: it has nothing to tell
async function* refuseStream(request: unknown, context: CallContext): AsyncGenerator<never, void> {
  refuse(request, context);
}
