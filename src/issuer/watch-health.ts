import type { Clock } from '../clock.ts';
import { AgentError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Issuer } from './issuer.ts';

/** Shortest wait before a probe, the first one too: that one is never in the way of the first certificate. */
const SHORTEST_MS = 30_000;
/** Longest one. In between by chance, so that a fleet that started together does not ask together. */
const LONGEST_MS = 60_000;

export interface HealthObserver {
  /** The CA could sign now, as far as it tells. */
  healthy(backend: string): void;
  unhealthy(backend: string, error: AgentError): void;
}

/** The CA in use. */
export interface ProbedBackend {
  readonly backend: string;
  readonly open: () => Promise<Pick<Issuer, 'probe'>>;
}

export interface WatchHealthPorts {
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly log: Log;
  readonly observer: HealthObserver;
}

/**
 * Asks the CA now and then whether it could sign: with certificates of a month, nobody would else learn of its illness
 * for weeks. Says it once when that changes. Ends when the signal is aborted; never throws.
 *
 * @param find the CA to ask; undefined: none now, as mTLS is off, or an issue is failing already and tells more.
 */
export async function watchHealth(
  find: () => ProbedBackend | undefined,
  { clock, random, log, observer }: WatchHealthPorts,
  signal: AbortSignal,
): Promise<void> {
  let said: string | undefined;
  const say = (key: string | undefined, write: () => void) => {
    if (said !== key) write();
    said = key;
  };

  async function probe({ backend, open }: ProbedBackend): Promise<void> {
    try {
      const issuer = await open();
      await issuer.probe(signal);
      observer.healthy(backend);
      say(undefined, () => log.info('the CA is well again', { backend }));
    } catch (thrown) {
      if (signal.aborted) return;
      const error = AgentError.from(thrown);
      const { code, message, remedy } = error;
      observer.unhealthy(backend, error);
      say(`${backend} ${code}`, () =>
        log.warn('the CA could not sign now', { backend, reason: message, code, remedy }),
      );
    }
  }

  while (!signal.aborted) {
    await clock.sleep(SHORTEST_MS + (LONGEST_MS - SHORTEST_MS) * random(), signal);
    const found = signal.aborted ? undefined : find();
    if (found !== undefined) await probe(found);
  }
}
