import type { AgentError } from '../errors.ts';
import type { HealthObserver } from '../issuer/watch-health.ts';
import type { AgentState } from './state.ts';

/** What is told of the CA in use. What is told of another one is passed over. */
export interface CaHealth extends HealthObserver {
  issued(backend: string): void;
  notIssued(backend: string, error: AgentError): void;
  /** Another CA is in use. */
  forget(): void;
}

/**
 * Keeps `Connected` or `Unknown`, since when, and why. An issue tells most: while issues fail, only they count, as a CA
 * that is well may still refuse us.
 */
export function openCaHealth(state: AgentState, nowMs: () => number): CaHealth {
  const { ca } = state;
  let issueFails = false;

  function set(next: 'Connected' | 'Unknown', reason?: string): void {
    if (ca.state !== next) ca.sinceMs = nowMs();
    ca.state = next;
    ca.reason = reason;
  }
  const ifInUse = (backend: string, tell: () => void) => {
    if (backend === state.facts.backend) tell();
  };

  return {
    issued(backend) {
      // By a standby, perhaps: then nobody tries this one until the next rotation.
      issueFails = false;
      ifInUse(backend, () => set('Connected'));
    },
    notIssued(backend, { message }) {
      ifInUse(backend, () => {
        issueFails = true;
        set('Unknown', message);
      });
    },
    healthy(backend) {
      ifInUse(backend, () => {
        if (!issueFails) set('Connected');
      });
    },
    unhealthy(backend, { message }) {
      ifInUse(backend, () => {
        if (!issueFails) set('Unknown', message);
      });
    },
    forget() {
      issueFails = false;
      set('Unknown', 'not asked yet');
    },
  };
}
