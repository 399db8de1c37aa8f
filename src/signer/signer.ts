/**
 * The signer of a mesh in a Kubernetes cluster: it holds the CA's key, so that no workload does, and signs for each
 * workload the one identity that its service account proves.
 *
 * @module
 */
import type { Clock } from '../clock.ts';
import type { ReadDataSource } from '../data-source.ts';
import { AgentError } from '../errors.ts';
import type { Kubernetes } from '../kubernetes/kubernetes.ts';
import { signerNameOf } from '../kubernetes/mesh-signer.ts';
import type { SigningRequest } from '../kubernetes/signing-request.ts';
import type { Log } from '../log.ts';
import { answerRequest } from './answer-request.ts';
import { openAuthorities } from './authorities.ts';
import { lead } from './lead.ts';
import type { SignerObservation } from './observation.ts';
import { openTrustPublisher } from './publish-trust.ts';
import { readCa } from './read-ca.ts';
import { openEventRecorder } from './record-event.ts';
import { serveRequests } from './serve-requests.ts';
import type { SignerSettings } from './settings.ts';

/** A changed CA, and a bundle that somebody took away, are noticed within this time. */
const REFRESH_EVERY_MS = 30_000;
const REFRESH_AGAIN_MS = 3_000;

export interface SignerPorts {
  readonly kubernetes: Kubernetes;
  /** The same, where calls end within `LEASE_CALL_LIMIT_MS`. */
  readonly leaseKubernetes: Kubernetes;
  readonly readSource: ReadDataSource;
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly log: Log;
  readonly observation: SignerObservation;
}

export interface SignerHome {
  /** Where its Lease, Secrets and ConfigMap are. */
  readonly namespace: string;
  /** Of this process; no other may have it. */
  readonly identity: string;
}

export interface Signer {
  /** Goes on by other settings. @throws AgentError `ERR_CONFIG` when they take a restart. */
  reconfigure(settings: SignerSettings): void;
  /** A CA was stored anew. */
  sourcesChanged(): void;
  /** Signs while it leads, until the signal is aborted. Never throws. */
  run(signal: AbortSignal): Promise<void>;
}

export function openSigner(
  firstSettings: SignerSettings,
  { namespace, identity }: SignerHome,
  { kubernetes, leaseKubernetes, readSource, clock, random, log, observation }: SignerPorts,
): Signer {
  const { mesh, trustDomain } = firstSettings;
  let settings = firstSettings;
  let wake = new AbortController();
  const record = openEventRecorder({ kubernetes, clock, log, identity });

  /** Nothing of it outlives the time of leading: another leader may have changed what there is. */
  async function work(signal: AbortSignal): Promise<void> {
    const home = { mesh, trustDomain, namespace };
    let toldTrouble = '';
    const authorities = openAuthorities(() => settings, {
      read: (backend, isInUse, within) =>
        readCa(backend, home, isInUse, { kubernetes, readSource, clock, log }, within),
      publisher: openTrustPublisher({ mesh, namespace }, { kubernetes, clock, log }),
      clock,
      log,
      observer: observation.authorities,
    });

    async function keepFresh(): Promise<void> {
      while (!signal.aborted) {
        wake = new AbortController();
        const either = AbortSignal.any([signal, wake.signal]);
        await clock.sleep((await refresh()) ? REFRESH_EVERY_MS : REFRESH_AGAIN_MS, either);
      }
    }

    async function refresh(): Promise<boolean> {
      try {
        await authorities.refresh(signal);
        toldTrouble = '';
        const canSign = settings.backends.every(({ name }) => authorities.find(name) !== undefined);
        observation.published(canSign);
        return canSign;
      } catch (thrown) {
        if (signal.aborted) return false;
        const error = AgentError.from(thrown);
        observation.publishFailed(error);
        const { message, code, remedy } = error;
        if (message !== toldTrouble) log.error(`the trust bundle is not published: ${message}`, { code, remedy });
        toldTrouble = message;
        return false;
      }
    }

    async function answer(request: SigningRequest, within: AbortSignal) {
      const ports = { kubernetes, authorities, clock, log };
      const outcome = await answerRequest(request, settings, ports, within);
      if (outcome.kind === 'denied') await record(request, outcome.reason, outcome.message, within);
      return outcome;
    }

    const ports = { kubernetes, answer, clock, random, log, observer: observation.requests };
    await Promise.all([keepFresh(), serveRequests(signerNameOf(mesh), ports, signal)]);
  }

  return {
    reconfigure(next) {
      if (next.mesh !== mesh || next.trustDomain !== trustDomain) {
        throw new AgentError('ERR_CONFIG', 'another mesh or trust domain takes a restart of the signer');
      }
      settings = next;
      wake.abort();
    },
    sourcesChanged: () => wake.abort(),
    async run(signal) {
      const candidacy = { namespace, name: `meshcert-signer-${mesh}`, identity };
      await lead(candidacy, work, { kubernetes: leaseKubernetes, clock, log, observer: observation.lead }, signal);
    },
  };
}
