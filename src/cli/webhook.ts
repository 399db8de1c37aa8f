import { type Clock, systemClock } from '../clock.ts';
import { AgentError } from '../errors.ts';
import type { InjectSettings } from '../inject/settings.ts';
import { findKubernetesAccess } from '../kubernetes/access.ts';
import { type Kubernetes, openKubernetes } from '../kubernetes/kubernetes.ts';
import type { Log } from '../log.ts';
import { runWebhook, type WebhookOptions } from '../webhook/webhook.ts';
import type { Edge, ExitCode } from './edge.ts';
import { type LogChoice, openCommandLog } from './open-command-log.ts';
import { type InjectionOptions, openInjection } from './open-injection.ts';
import { version } from './version.ts';

export interface ServeOptions
  extends InjectionOptions,
    LogChoice,
    Pick<WebhookOptions, 'listen' | 'telemetry' | 'drainMs'> {
  readonly sidecar: InjectSettings['sidecar'] | 'auto';
  /** Name of the Service that the API server reaches us by. */
  readonly service: string;
  /** Further names and IP addresses of ours. */
  readonly host: readonly string[];
  readonly secret: string;
  readonly webhookConfiguration: string;
  readonly ttlMs: number;
}

/** The admission webhook, until a signal ends it. */
export async function webhook(options: ServeOptions, edge: Edge): Promise<ExitCode> {
  const clock = systemClock;
  const log = openCommandLog(options, edge, clock);
  const stop = new AbortController();
  edge.onSignal('SIGTERM', () => stop.abort());
  edge.onSignal('SIGINT', () => stop.abort());
  const guessed = await openInjection(options, options.sidecar === 'auto' ? 'native' : options.sidecar, edge);
  if (guessed === undefined) return 2;
  const ports = { clock, random: edge.random, log };
  const kubernetes = await openKubernetes({ access: findKubernetesAccess(edge.environment) }, ports);
  try {
    const ask = () => findSidecar(kubernetes, stop.signal);
    const sidecar = options.sidecar === 'auto' ? await insist(ask, ports, stop.signal) : options.sidecar;
    if (sidecar === undefined) return 0;
    const { service, host, ttlMs, webhookConfiguration: configuration } = options;
    const names = [service, `${service}.${kubernetes.namespace}`, `${service}.${kubernetes.namespace}.svc`];
    const tended = { hosts: [...names, ...host], ttlSeconds: Math.ceil(ttlMs / 1000), configuration };
    const facts = { version, nodeVersion: edge.nodeVersion };
    log.info('injecting', { sidecar, image: options.image });
    await runWebhook({ ...guessed, sidecar }, { ...options, ...tended, facts }, { ...ports, kubernetes }, stop.signal);
    return 0;
  } finally {
    kubernetes.close();
  }
}

/** Native sidecars are there, without being switched on, since Kubernetes 1.29 (KEP-753). */
async function findSidecar(kubernetes: Kubernetes, signal: AbortSignal): Promise<InjectSettings['sidecar']> {
  const { major, minor } = await kubernetes.get<{ major: string; minor: string }>('/version', signal);
  return Number(major) > 1 || Number.parseInt(minor, 10) >= 29 ? 'native' : 'container';
}

/** Asks until it is answered; undefined when the signal is aborted. */
async function insist<T>(
  ask: () => Promise<T>,
  { clock, random, log }: { clock: Clock; random: () => number; log: Log },
  signal: AbortSignal,
): Promise<T | undefined> {
  for (let failures = 0; !signal.aborted; failures += 1) {
    try {
      return await ask();
    } catch (thrown) {
      if (signal.aborted) return undefined;
      if (failures === 0) log.warn('cannot ask the API server yet', { error: AgentError.from(thrown).line });
      await clock.sleep(random() * Math.min(250 * 2 ** failures, 5_000), signal);
    }
  }
  return undefined;
}
