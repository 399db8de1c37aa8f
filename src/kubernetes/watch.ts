import type { Clock } from '../clock.ts';
import { AgentError } from '../errors.ts';
import { KubernetesError } from './kubernetes-error.ts';
import type { KubernetesObject, ObjectList } from './objects.ts';

/** What a watch tells. */
export type WatchEvent<T> =
  /** All that there is: first, and again after every gap. What was known and is not among it is gone. */
  | { readonly type: 'listed'; readonly objects: readonly T[] }
  /** It is new, or has changed. */
  | { readonly type: 'changed'; readonly object: T }
  /** It is gone; as it was last. */
  | { readonly type: 'deleted'; readonly object: T };

/** What the API server sends, a line each. */
interface RawEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: T;
}

export interface WatchSource<T> {
  list(signal: AbortSignal): Promise<ObjectList<T>>;
  /** Lines from this version on, until the server has enough of it. */
  readLines(resourceVersion: string, signal: AbortSignal): AsyncIterable<string>;
}

export interface WatchPorts {
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Is told of every failure that the watch survives. */
  readonly troubled: (error: AgentError) => void;
}

const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 30_000;
/** These pass by themselves; with the others somebody has to mend something, and the caller says how to wait for it. */
const SURVIVED: readonly string[] = ['ERR_CA_UNREACHABLE', 'ERR_CA_UNAVAILABLE', 'ERR_CA_THROTTLED'];
const GONE = 410;

/**
 * Follows objects until the signal is aborted (Kubernetes, "Efficient detection of changes"): lists them, streams changes,
 * goes on where a stream ended, and lists anew when the server no longer knows that place.
 *
 * @throws AgentError when asking again does not help: not allowed, no such resource.
 */
export async function* watchObjects<T extends KubernetesObject>(
  source: WatchSource<T>,
  { clock, random, troubled }: WatchPorts,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent<T>> {
  let version: string | undefined;
  let failures = 0;
  while (!signal.aborted) {
    let minDelayMs = 0;
    try {
      if (version === undefined) {
        const { items, metadata } = await source.list(signal);
        version = metadata.resourceVersion;
        yield { type: 'listed', objects: items };
      }
      failures += 1;
      for await (const line of source.readLines(version, signal)) {
        const { type, object } = readEvent<T>(line);
        failures = 0;
        version = object.metadata.resourceVersion ?? version;
        if (type === 'ADDED' || type === 'MODIFIED') yield { type: 'changed', object };
        if (type === 'DELETED') yield { type: 'deleted', object };
      }
    } catch (thrown) {
      if (signal.aborted) return;
      const error = AgentError.from(thrown);
      const isGone = error instanceof KubernetesError && error.status === GONE;
      if (!isGone && !SURVIVED.includes(error.code)) throw error;
      if (isGone) version = undefined;
      else troubled(error);
      failures = Math.max(failures, 1);
      minDelayMs = error.retryAfterMs ?? 0;
    }
    const capMs = Math.min(FIRST_DELAY_MS * 2 ** Math.min(failures, 10), MAX_DELAY_MS);
    if (failures > 0) await clock.sleep(Math.max(minDelayMs, random() * capMs), signal);
  }
}

/** @throws KubernetesError for an event of type ERROR, which holds a Status. */
function readEvent<T>(line: string): RawEvent<T> {
  let event: RawEvent<T>;
  try {
    event = JSON.parse(line) as RawEvent<T>;
  } catch (cause) {
    throw new AgentError('ERR_CA_PROTOCOL', 'the Kubernetes API sent an event that cannot be read', { cause });
  }
  if (event.type !== 'ERROR') return event;
  const { code, message = 'no reason given' } = event.object as { code?: number; message?: string };
  throw new KubernetesError('ERR_CA_UNAVAILABLE', `the Kubernetes API ended a watch: ${message.slice(0, 300)}`, {
    ...(code !== undefined && { status: code }),
  });
}
