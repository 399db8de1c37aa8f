/**
 * The mutating admission webhook: serves, and keeps its own certificate and what the API server knows of it.
 *
 * @module
 */
import type { AddressInfo } from 'node:net';
import type { Clock } from '../clock.ts';
import { AgentError } from '../errors.ts';
import { injectPod } from '../inject/inject-pod.ts';
import type { Namespace } from '../inject/pod.ts';
import type { InjectSettings } from '../inject/settings.ts';
import type { Kubernetes } from '../kubernetes/kubernetes.ts';
import type { KubernetesObject } from '../kubernetes/objects.ts';
import { makePath } from '../kubernetes/paths.ts';
import type { Log } from '../log.ts';
import { type Answer, closeHttpServer, makeHttpServer, startListening } from '../observe/http-server.ts';
import { answerAdmission } from './admission.ts';
import { openAdmissionServer } from './admission-server.ts';
import { readValidity } from './certificate-plan.ts';
import { makeInstruments, type WebhookInstruments } from './instruments.ts';
import { type TendOptions, tendCertificates } from './tend-certificates.ts';

interface Address {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
}

export interface WebhookOptions extends TendOptions {
  readonly listen: Address;
  readonly telemetry: Address;
  /** From the signal to the end, while clients look for another replica. */
  readonly drainMs: number;
  readonly facts: { readonly version: string; readonly nodeVersion: string };
}

export interface WebhookPorts {
  readonly kubernetes: Kubernetes;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
}

/** What probes are told. */
interface Health {
  /** Undefined: there is no certificate yet. */
  notAfterMs: number | undefined;
  isEnding: boolean;
}

/**
 * Serves until the signal is aborted.
 *
 * @throws AgentError `ERR_LISTEN`
 */
export async function runWebhook(
  settings: InjectSettings,
  options: WebhookOptions,
  ports: WebhookPorts,
  signal: AbortSignal,
): Promise<void> {
  const { kubernetes, clock, log } = ports;
  const instruments = makeInstruments(options.facts);
  const health: Health = { notAfterMs: undefined, isEnding: false };

  async function answer(body: string) {
    const startedMs = clock.monotonicMs();
    const answered = await answerAdmission(body, {
      readNamespace: (name) => readNamespace(kubernetes, name),
      inject: (pod, namespace) => injectPod({ pod, namespace, otherwise: false }, settings),
    });
    const { outcome, facts } = answered;
    instruments.admissions.inc({ outcome });
    instruments.duration.observe((clock.monotonicMs() - startedMs) / 1000);
    const isFaulty = outcome === 'failed' || outcome === 'malformed';
    (isFaulty ? log.warn : log.info)(`pod ${outcome}`, facts);
    return answered;
  }

  const server = await openAdmissionServer(options.listen, answer);
  const telemetry = await openTelemetry(options.telemetry, health, instruments, ports).catch(async (thrown) => {
    await server.close();
    throw thrown;
  });
  log.info('answering', { admissions: server.url, telemetry: telemetry.url });
  await tendCertificates(
    options,
    {
      ...ports,
      serve(stored) {
        server.useCertificate(stored);
        const validity = readValidity(stored.certificate);
        health.notAfterMs = validity?.notAfterMs;
        instruments.notBefore.set((validity?.notBeforeMs ?? 0) / 1000);
        instruments.notAfter.set((validity?.notAfterMs ?? 0) / 1000);
      },
      published: (isPublished) => instruments.published.set(isPublished ? 1 : 0),
    },
    signal,
  );
  health.isEnding = true;
  server.drain();
  await clock.sleep(options.drainMs, new AbortController().signal);
  await Promise.all([server.close(), telemetry.close()]);
  log.info('stopped');
}

async function readNamespace(kubernetes: Kubernetes, name: string): Promise<Namespace> {
  const path = makePath({ group: '', version: 'v1', resource: 'namespaces' }, name);
  const { metadata } = await kubernetes.get<KubernetesObject>(path, new AbortController().signal);
  return { name, metadata };
}

async function openTelemetry(
  { host, port }: Address,
  health: Health,
  { registry }: WebhookInstruments,
  { clock, log }: WebhookPorts,
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const say = (status: number, line: string): Answer => ({
    status,
    type: 'text/plain; charset=utf-8',
    body: `${line}\n`,
  });
  const server = await makeHttpServer(
    {
      '/healthz': { GET: () => say(200, 'ok') },
      '/readyz': {
        GET: () => {
          if (health.isEnding) return say(503, 'not ready: it is ending');
          if (health.notAfterMs === undefined) return say(503, 'not ready: there is no serving certificate yet');
          const isOver = clock.nowMs() >= health.notAfterMs;
          return isOver ? say(503, 'not ready: the serving certificate has expired') : say(200, 'ready');
        },
      },
      '/metrics': {
        GET: async () => ({ status: 200, type: registry.contentType, body: await registry.metrics() }),
      },
    },
    log,
  );
  await startListening(server, { host, port }, log).catch((cause: NodeJS.ErrnoException) => {
    throw new AgentError('ERR_LISTEN', `cannot serve telemetry on ${host}:${port}: ${cause.code}`, {
      remedy: 'set --telemetry to an address that this machine has, and a port that is free',
      cause,
    });
  });
  const address = server.address() as AddressInfo;
  return { url: `http://${address.address}:${address.port}`, close: () => closeHttpServer(server) };
}
