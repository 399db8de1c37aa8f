import { MAX_SLEEP_MS } from '../clock.ts';
import { type AgentState, type DeliveryState, findCertificateInService } from './state.ts';

/** The rotation loop ticks at least each {@link MAX_SLEEP_MS}; three missed ticks are no accident. */
const DEAD_AFTER_MS = 3 * MAX_SLEEP_MS;

export interface Health {
  readonly ok: boolean;
  /** What was looked at, one line each. */
  readonly checks: readonly { readonly ok: boolean; readonly line: string }[];
  /** What is good to know, and changes nothing. */
  readonly notes: readonly string[];
}

/** Ready: every delivery holds a certificate that is valid now, or the mesh wants none. */
export function checkReady(state: AgentState, nowMs: number): Health {
  if (state.facts.backend === undefined) return report([{ ok: true, line: 'mTLS is off, nothing is issued' }]);
  const checks = [
    checkCertificate(state, nowMs),
    ...state.deliveries.map((delivery) => checkDelivery(delivery, nowMs)),
  ];
  return report(checks, [describeCa(state)]);
}

/**
 * Alive: the loop turns. Neither a CA that is away nor a full disk makes an agent dead: restarting it would mend nothing
 * and lose the identity that it still serves.
 */
export function checkAlive(state: AgentState, monotonicMs: number): Health {
  if (state.facts.backend === undefined) return report([{ ok: true, line: 'mTLS is off, no loop is needed' }]);
  const quietMs = monotonicMs - state.lastTickMonotonicMs;
  const seconds = Math.round(quietMs / 1000);
  return report([{ ok: quietMs < DEAD_AFTER_MS, line: `rotation loop: last seen ${seconds} s ago` }]);
}

/** As the text of an HTTP answer, in the form of the Kubernetes API server's. */
export function renderHealth(health: Health): string {
  const lines = health.checks.map(({ ok, line }) => `[${ok ? '+' : '-'}] ${line}`);
  const notes = health.notes.map((line) => `[i] ${line}`);
  return `${[health.ok ? 'ok' : 'failed', ...lines, ...notes].join('\n')}\n`;
}

function checkCertificate(state: AgentState, nowMs: number) {
  const certificate = findCertificateInService(state, nowMs);
  if (certificate !== undefined) {
    const until = new Date(certificate.notAfterMs).toISOString();
    return { ok: true, line: `certificate: generation ${certificate.generation}, valid until ${until}` };
  }
  const what = state.certificate === undefined ? 'none yet' : `expired at ${isoOf(state.certificate.notAfterMs)}`;
  const why = state.lastError?.source === 'rotation' ? state.lastError.line : undefined;
  return { ok: false, line: `certificate: ${[what, why].filter((part) => part !== undefined).join(': ')}` };
}

function checkDelivery({ name, held, failing }: DeliveryState, nowMs: number) {
  const trouble = failing === undefined ? '' : `; ${failing}`;
  if (held === undefined) return { ok: false, line: `${name}: holds no certificate${trouble}` };
  if (held.notAfterMs <= nowMs) return { ok: false, line: `${name}: holds an expired certificate${trouble}` };
  return { ok: true, line: `${name}: holds generation ${held.generation}${trouble}` };
}

/** A CA that is away takes no certificate out of service. */
function describeCa({ facts, ca }: AgentState): string {
  const why = ca.reason === undefined ? '' : `: ${ca.reason}`;
  return `CA of ${facts.backend}: ${ca.state} since ${isoOf(ca.sinceMs)}${why}`;
}

function report(checks: Health['checks'], notes: Health['notes'] = []): Health {
  return { ok: checks.every(({ ok }) => ok), checks, notes };
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}
