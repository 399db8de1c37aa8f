import type { VerifyConfig } from './config.ts';
import { lookAtEnvoy } from './look-at-envoy.ts';
import { lookByTls } from './look-by-tls.ts';
import type { ServedTarget } from './watch-served.ts';

/** A target that does not answer is asked again after so long. */
const LOOK_LIMIT_MS = 5_000;

/** Touches no network before {@link ServedTarget.look}. */
export function openTarget(config: VerifyConfig): ServedTarget {
  const { name, withinMs } = config;
  return {
    name,
    withinMs,
    look(generation, stop) {
      const signal = AbortSignal.any([stop, AbortSignal.timeout(LOOK_LIMIT_MS)]);
      switch (config.kind) {
        case 'tls':
          return lookByTls(config, generation, signal);
        case 'envoyAdmin':
          return lookAtEnvoy(config, signal);
        default:
          return config satisfies never;
      }
    },
  };
}
