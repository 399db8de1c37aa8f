import type { RotationObserver } from '../rotation/rotation.ts';

/** Listens in on a rotation for its first success, or the first failure that somebody has to mend. */
export function watchFirst(observer: RotationObserver): { observer: RotationObserver; issued: Promise<void> } {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  promise.catch(() => undefined);
  return {
    issued: promise,
    observer: {
      ...observer,
      rotated(event) {
        observer.rotated(event);
        resolve();
      },
      failed(event) {
        observer.failed(event);
        if (event.error.retry !== 'soon') reject(event.error);
      },
    },
  };
}
