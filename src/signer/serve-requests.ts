import type { Clock } from '../clock.ts';
import { AgentError } from '../errors.ts';
import type { Kubernetes } from '../kubernetes/kubernetes.ts';
import { statusOf } from '../kubernetes/kubernetes-error.ts';
import { findCondition, type SigningRequest, signingRequestPath } from '../kubernetes/signing-request.ts';
import type { Log } from '../log.ts';
import type { Outcome } from './answer-request.ts';

/** Each takes two calls to the API server. */
const AT_ONCE = 8;
const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 15_000;

export interface ServePorts {
  readonly kubernetes: Pick<Kubernetes, 'watch'>;
  readonly answer: (request: SigningRequest, signal: AbortSignal) => Promise<Outcome>;
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly log: Log;
  readonly observer: ServeObserver;
}

export interface ServeObserver {
  answered(request: SigningRequest, outcome: Exclude<Outcome, { kind: 'waiting' }>, seconds: number): void;
  /** It is tried again. */
  notAnswered(error: AgentError): void;
  /** So many requests have no answer yet. */
  waiting(count: number): void;
}

/** Answers every request to a signer, until the signal is aborted; then resolves when nothing is under way any more. */
export async function serveRequests(signerName: string, ports: ServePorts, signal: AbortSignal): Promise<void> {
  const { clock, random, log, observer } = ports;
  /** Those without an answer, as they are now. */
  const open = new Map<string, SigningRequest>();
  const underWay = new Map<string, Promise<void>>();
  const failures = new Map<string, number>();
  /** Those that are left alone for a while. They take no place of others. */
  const resting = new Set<string>();
  let toldTrouble = '';

  function learn(request: SigningRequest): void {
    const { name } = request.metadata;
    if (isAnswered(request)) forget(name);
    else open.set(name, request);
  }

  function forget(name: string): void {
    open.delete(name);
    failures.delete(name);
  }

  function pump(): void {
    observer.waiting(open.size);
    for (const name of open.keys()) {
      if (underWay.size >= AT_ONCE || signal.aborted) return;
      if (!underWay.has(name) && !resting.has(name))
        underWay.set(
          name,
          work(name).finally(() => finished(name)),
        );
    }
  }

  function finished(name: string): void {
    underWay.delete(name);
    pump();
  }

  async function work(name: string): Promise<void> {
    const request = open.get(name);
    if (request === undefined) return;
    const beganMs = clock.monotonicMs();
    try {
      const outcome = await ports.answer(request, signal);
      if (outcome.kind === 'waiting') return rest(name);
      observer.answered(request, outcome, (clock.monotonicMs() - beganMs) / 1000);
      forget(name);
    } catch (thrown) {
      if (signal.aborted) return;
      // It is gone, or another one by now, and the watch tells which.
      if (statusOf(thrown) === 404) return forget(name);
      if (statusOf(thrown) !== 409) tell(thrown);
      rest(name);
    }
  }

  function rest(name: string): void {
    const failed = failures.get(name) ?? 0;
    failures.set(name, failed + 1);
    resting.add(name);
    const delayMs = Math.min(FIRST_DELAY_MS * 2 ** failed, MAX_DELAY_MS) * (0.5 + random() / 2);
    void clock.sleep(delayMs, signal).then(() => {
      resting.delete(name);
      pump();
    });
  }

  function tell(thrown: unknown): void {
    const error = AgentError.from(thrown);
    observer.notAnswered(error);
    if (error.message !== toldTrouble) {
      log.error(`requests cannot be answered: ${error.message}`, { code: error.code, remedy: error.remedy });
    }
    toldTrouble = error.message;
  }

  while (!signal.aborted) {
    try {
      const options = { fieldSelector: `spec.signerName=${signerName}`, troubled: tell };
      for await (const event of ports.kubernetes.watch<SigningRequest>(signingRequestPath(), options, signal)) {
        toldTrouble = '';
        if (event.type === 'listed') {
          open.clear();
          for (const request of event.objects) learn(request);
        } else if (event.type === 'changed') learn(event.object);
        else forget(event.object.metadata.name);
        pump();
      }
    } catch (thrown) {
      tell(thrown);
      await clock.sleep(MAX_DELAY_MS, signal);
    }
  }
  await Promise.all(underWay.values());
}

/** Nothing is ever taken back, so there is nothing left to do. */
function isAnswered(request: SigningRequest): boolean {
  const isRefused = findCondition(request, 'Denied') !== undefined || findCondition(request, 'Failed') !== undefined;
  return isRefused || (request.status?.certificate ?? '') !== '';
}
