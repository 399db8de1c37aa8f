import type { Status } from '../observe/status.ts';

/**
 * How near an agent is to an outage, the worst first. `expired`: it had a certificate, and none is in service. `not-ready`:
 * some delivery is without a valid one. `unknown`: it could not be asked. `failing`: all is in service, but the next
 * certificate, or where it is to arrive, is in doubt.
 */
export const STATES = ['expired', 'not-ready', 'unknown', 'failing', 'ok'] as const;

export type AgentState = (typeof STATES)[number];

/** A certificate that is so late is not replaced by the delays that are meant to be. */
const LATE_MS = 120_000;

/** @param status undefined: it could not be asked. */
export function judgeState(status: Status | undefined, nowMs: number): AgentState {
  if (status === undefined) return 'unknown';
  const { backend, certificate, regenerations, ready, ca, lastError, deliveries, hooks = [], served = [] } = status;
  if (backend !== undefined) {
    if (certificate === undefined ? regenerations > 0 : Date.parse(certificate.notAfter) <= nowMs) return 'expired';
  }
  if (!ready) return 'not-ready';
  if (backend === undefined) return 'ok';
  const isLate = certificate !== undefined && Date.parse(certificate.rotatesAt) + LATE_MS < nowMs;
  const isFailing = [...deliveries, ...hooks, ...served].some(({ failing }) => failing !== undefined);
  return isLate || isFailing || lastError?.retryAt !== undefined || ca.state !== 'Connected' ? 'failing' : 'ok';
}

/** What has to be looked at first stands first; of the same state, what ends first. */
export function sortByRisk<T extends { readonly state: AgentState; readonly status: Status | undefined }>(
  agents: readonly T[],
): T[] {
  const endOf = ({ status }: T) => {
    return status?.certificate === undefined ? Number.POSITIVE_INFINITY : Date.parse(status.certificate.notAfter);
  };
  return agents.toSorted((a, b) => {
    const byState = STATES.indexOf(a.state) - STATES.indexOf(b.state);
    if (byState !== 0) return byState;
    const [endOfA, endOfB] = [endOf(a), endOf(b)];
    return endOfA === endOfB ? 0 : endOfA - endOfB;
  });
}
