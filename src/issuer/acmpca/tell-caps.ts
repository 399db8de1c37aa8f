import type { Log } from '../../log.ts';
import type { ChosenEnd } from './validity.ts';

/** Tells, each once, what keeps the end that is asked for from being later. */
export function openCapTeller(log: Log, backend: string): (end: ChosenEnd) => void {
  const told = new Set<ChosenEnd['cappedBy']>();
  return ({ cappedBy, endSeconds }) => {
    if (cappedBy === undefined || told.has(cappedBy)) return;
    told.add(cappedBy);
    if (cappedBy === 'ca') {
      log.warn('certificates end with their CA', {
        backend,
        endsAt: new Date(endSeconds * 1000).toISOString(),
        remedy: 'renew the CA, and give a new root to all peers before',
      });
    } else {
      log.warn('certificates live for 7 days at most, as the CA is one for short-lived certificates', {
        backend,
        remedy: 'lower dpCert.rotation.expiration to less than 7d',
      });
    }
  };
}
