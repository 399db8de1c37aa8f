import { AgentError } from '../errors.ts';
import type { Kubernetes } from './kubernetes.ts';
import type { KubernetesObject } from './objects.ts';

/** How far an object is that somebody else is to finish. */
export type Progress<R> =
  | { readonly kind: 'done'; readonly result: R }
  /** It never will be. */
  | { readonly kind: 'failed'; readonly error: AgentError }
  /** What to say when it is not waited for any longer. */
  | { readonly kind: 'waiting'; readonly error: AgentError };

/**
 * Follows one object until it is done. Needs `get` and `watch`.
 *
 * @param path of all objects of the resource.
 * @param signal aborted with a TimeoutError when time is up.
 * @throws AgentError why it never will be done; when time is up, of what was last waited for; `ERR_CA_UNAVAILABLE` when
 *   it is gone, or the wait is given up.
 */
export async function waitFor<T extends KubernetesObject, R>(
  kubernetes: Pick<Kubernetes, 'follow'>,
  { path, name }: { readonly path: string; readonly name: string },
  judge: (object: T) => Progress<R>,
  signal: AbortSignal,
): Promise<R> {
  let last: AgentError | undefined;
  const troubled = (error: AgentError) => {
    last = error;
  };
  for await (const event of kubernetes.follow<T>(path, name, { troubled }, signal)) {
    const object = event.type === 'listed' ? event.objects[0] : event.object;
    if (event.type === 'deleted' || object === undefined) throw explainDeleted(name);
    const progress = judge(object);
    if (progress.kind === 'done') return progress.result;
    if (progress.kind === 'failed') throw progress.error;
    last = progress.error;
  }
  const isTimeUp = (signal.reason as Error | undefined)?.name === 'TimeoutError';
  throw (
    (isTimeUp ? last : undefined) ?? new AgentError('ERR_CA_UNAVAILABLE', 'the request for a certificate was given up')
  );
}

function explainDeleted(name: string): AgentError {
  return new AgentError('ERR_CA_UNAVAILABLE', `somebody deleted ${name} before it was done`, {
    detail: 'request_deleted',
  });
}
