import type { Clock } from '../clock.ts';
import { AgentError } from '../errors.ts';
import type { Kubernetes } from '../kubernetes/kubernetes.ts';
import type { Log } from '../log.ts';
import { planStep, type StoredCertificates, takeStep } from './certificate-plan.ts';
import { makePair } from './make-pair.ts';
import { publishCas } from './publish-cas.ts';
import { openSecret } from './stored-certificates.ts';

export interface TendOptions {
  /** Names and IP addresses that the API server looks for. */
  readonly hosts: readonly string[];
  readonly ttlSeconds: number;
  /** Name of the Secret, in our namespace. */
  readonly secret: string;
  /** Name of the MutatingWebhookConfiguration. */
  readonly configuration: string;
}

export interface TendPorts {
  readonly kubernetes: Kubernetes;
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly log: Log;
  /** Is told what to serve from now on. */
  readonly serve: (stored: StoredCertificates) => void;
  /** Is told whether clients know the CAs. */
  readonly published: (isPublished: boolean) => void;
}

/** What others do to the Secret and to the configuration is noticed within this time. */
const LOOK_EVERY_MS = 15_000;
const MIN_DELAY_MS = 500;
/** More than replicas that start together need. */
const MAX_STEPS = 10;

/** Keeps the certificate and what the API server knows of it, until the signal is aborted. What fails is tried again. */
export async function tendCertificates(options: TendOptions, ports: TendPorts, signal: AbortSignal): Promise<void> {
  const { kubernetes, clock, random, log } = ports;
  const secret = openSecret(kubernetes, options.secret);
  let publishedCas: string | undefined;
  let served: string | undefined;

  /** @returns what is stored when no step is due, and until when. */
  async function step(): Promise<{ stored: StoredCertificates; untilMs: number }> {
    for (let steps = 0; steps < MAX_STEPS; steps += 1) {
      const version = await secret.read(signal);
      const { stored } = version;
      const nowMs = clock.nowMs();
      const isPublished = publishedCas !== undefined && stored?.cas === publishedCas;
      const planned = planStep(stored, { nowMs, hosts: options.hosts, isPublished });
      if (planned.kind === 'keep' && stored !== undefined) return { stored, untilMs: planned.untilMs };
      const { kind } = planned as { kind: 'make' | 'prepare' | 'switch' };
      const pair = kind === 'switch' ? undefined : await makePair({ ...options, nowMs });
      const taken = await secret.write(version, takeStep(kind, stored, pair, { ...options, nowMs }), signal);
      if (taken) log.info('serving certificate changed', { step: kind, secret: options.secret });
    }
    throw new AgentError('ERR_SOURCE', `somebody keeps changing the Secret "${options.secret}"`, {
      remedy: 'give each webhook a Secret of its own: --secret',
    });
  }

  async function look(): Promise<number> {
    const { stored, untilMs } = await step();
    if (served !== stored.certificate) ports.serve(stored);
    served = stored.certificate;
    while (!(await publishCas(kubernetes, options.configuration, stored.cas, signal)));
    publishedCas = stored.cas;
    ports.published(true);
    return untilMs - clock.nowMs();
  }

  let failure: string | undefined;
  while (!signal.aborted) {
    let delayMs = LOOK_EVERY_MS * (0.5 + random() / 2);
    try {
      delayMs = Math.min(delayMs, Math.max(await look(), MIN_DELAY_MS));
      if (failure !== undefined) log.info('the serving certificate is tended again');
      failure = undefined;
    } catch (thrown) {
      if (signal.aborted) return;
      const { line } = AgentError.from(thrown);
      ports.published(false);
      if (failure !== line) log.error('cannot tend the serving certificate', { error: line });
      failure = line;
      delayMs = MIN_DELAY_MS + random() * (served === undefined ? MIN_DELAY_MS : LOOK_EVERY_MS);
    }
    await clock.sleep(delayMs, signal);
  }
}
