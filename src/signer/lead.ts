/**
 * One of several replicas works, the others stand by: a leader election by a Lease, as Kubernetes' own controllers do it.
 *
 * @module
 */
import type { Clock } from '../clock.ts';
import { AgentError } from '../errors.ts';
import type { Kubernetes } from '../kubernetes/kubernetes.ts';
import { statusOf } from '../kubernetes/kubernetes-error.ts';
import { makePath } from '../kubernetes/paths.ts';
import type { Log } from '../log.ts';
import { holdBy, type Lease, mayHold, type SeenLease } from './lease.ts';

/** So long do others leave a leader alone that is not heard of. */
const LEASE_SECONDS = 15;
const LOOK_EVERY_MS = 2_000;
const RELEASE_LIMIT_MS = 2_000;

/** One call must end in this time, so that a leader learns of its loss before the lease ends. */
export const LEASE_CALL_LIMIT_MS = 5_000;

export interface LeadPorts {
  /** Calls end within {@link LEASE_CALL_LIMIT_MS}. */
  readonly kubernetes: Kubernetes;
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: LeadObserver;
}

export interface LeadObserver {
  /** The API server is asked for the lease. */
  looks(): void;
  leads(isLeader: boolean): void;
}

export interface Candidacy {
  readonly namespace: string;
  /** Of the Lease. */
  readonly name: string;
  /** Of this process; no other may have it. */
  readonly identity: string;
}

type Outcome = 'held' | 'taken' | 'unknown';

/**
 * Does the work whenever this process is the leader, until the signal is aborted; then gives the lease back. The work's
 * own signal is aborted as soon as the lease is lost, or can no longer be known to be ours. Never throws.
 */
export async function lead(
  { namespace, name, identity }: Candidacy,
  work: (signal: AbortSignal) => Promise<void>,
  { kubernetes, clock, log, observer }: LeadPorts,
  signal: AbortSignal,
): Promise<void> {
  const path = (lease?: string) =>
    makePath({ group: 'coordination.k8s.io', version: 'v1', resource: 'leases', namespace }, lease);
  let seen: SeenLease | undefined;
  let told = '';

  function tell(line: string, write: () => void): void {
    if (told !== line) write();
    told = line;
  }

  /** Takes the lease or renews it, where nobody else holds it. */
  async function hold(either: AbortSignal): Promise<Outcome> {
    observer.looks();
    try {
      const found = await fetchLease(either);
      const lease = found ?? { metadata: { name } };
      const version = lease.metadata.resourceVersion ?? '';
      if (seen?.version !== version) seen = { version, sinceMs: clock.monotonicMs() };
      if (!mayHold(lease, identity, seen, clock.monotonicMs())) {
        const holder = lease.spec?.holderIdentity ?? '';
        tell(holder, () => log.info('standing by', { leader: holder }));
        return 'taken';
      }
      const spec = holdBy(lease, identity, LEASE_SECONDS, clock.nowMs());
      if (found === undefined) await kubernetes.create(path(), { ...lease, spec }, either);
      else await kubernetes.replace(path(name), { ...lease, spec }, either);
      return 'held';
    } catch (thrown) {
      if (either.aborted) return 'unknown';
      // Another one was faster, or wrote to it: the next look tells.
      if (statusOf(thrown) === 409) return 'unknown';
      const { message, remedy } = AgentError.from(thrown);
      tell(message, () => log.warn('the lease cannot be had', { lease: name, reason: message, remedy }));
      return 'unknown';
    }
  }

  async function fetchLease(either: AbortSignal): Promise<Lease | undefined> {
    return kubernetes.get<Lease>(path(name), either).catch((thrown: unknown) => {
      if (statusOf(thrown) === 404) return undefined;
      throw thrown;
    });
  }

  async function workWhileHeld(heldSinceMs: number): Promise<void> {
    const lost = new AbortController();
    const either = AbortSignal.any([signal, lost.signal]);
    tell('leading', () => log.info('leading', { identity }));
    observer.leads(true);
    const working = work(either).finally(() => lost.abort());
    for (let heldAtMs = heldSinceMs; !either.aborted; ) {
      await clock.sleep(LOOK_EVERY_MS, either);
      if (either.aborted) break;
      const beganMs = clock.monotonicMs();
      const outcome = await hold(either);
      if (outcome === 'held') heldAtMs = beganMs;
      const endOfNextMs = clock.monotonicMs() + LOOK_EVERY_MS + LEASE_CALL_LIMIT_MS;
      if (outcome === 'taken' || endOfNextMs > heldAtMs + LEASE_SECONDS * 1000) lost.abort();
    }
    observer.leads(false);
    await working;
    if (!signal.aborted) log.warn('no longer leading', { identity });
  }

  /** Others need not wait for its end then. */
  async function release(): Promise<void> {
    const limit = AbortSignal.timeout(RELEASE_LIMIT_MS);
    try {
      const lease = await fetchLease(limit);
      if (lease?.spec?.holderIdentity !== identity) return;
      await kubernetes.replace(path(name), { ...lease, spec: { ...lease.spec, holderIdentity: '' } }, limit);
    } catch {
      // It ends by itself.
    }
  }

  while (!signal.aborted) {
    const beganMs = clock.monotonicMs();
    if ((await hold(signal)) === 'held') await workWhileHeld(beganMs);
    else await clock.sleep(LOOK_EVERY_MS, signal);
  }
  await release();
}
