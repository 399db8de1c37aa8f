import type { Clock } from '../clock.ts';
import { AgentError } from '../errors.ts';
import type { Kubernetes } from '../kubernetes/kubernetes.ts';
import { makePath } from '../kubernetes/paths.ts';
import type { SigningRequest } from '../kubernetes/signing-request.ts';
import type { Log } from '../log.ts';

/** Of objects without a namespace, such as these requests. */
const EVENTS = makePath({ group: '', version: 'v1', resource: 'events', namespace: 'default' });

export interface EventPorts {
  readonly kubernetes: Pick<Kubernetes, 'create'>;
  readonly clock: Clock;
  readonly log: Log;
  /** Of this process. */
  readonly identity: string;
}

export type RecordEvent = (
  request: SigningRequest,
  reason: string,
  message: string,
  signal: AbortSignal,
) => Promise<void>;

/** Warnings that `kubectl get events` shows beside a request. Never throws: they are for people, and nothing waits for them. */
export function openEventRecorder({ kubernetes, clock, log, identity }: EventPorts): RecordEvent {
  let toldTrouble = '';
  return async ({ metadata: { name, uid } }, reason, message, signal) => {
    const now = new Date(clock.nowMs()).toISOString().replace(/\.\d+Z$/, 'Z');
    const event = {
      metadata: { generateName: `${name}.`, namespace: 'default' },
      involvedObject: { apiVersion: 'certificates.k8s.io/v1', kind: 'CertificateSigningRequest', name, uid },
      type: 'Warning',
      reason,
      message,
      source: { component: 'meshcert-signer', host: identity },
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
    };
    try {
      await kubernetes.create(EVENTS, event, signal);
      toldTrouble = '';
    } catch (thrown) {
      const { message: why, remedy } = AgentError.from(thrown);
      if (!signal.aborted && why !== toldTrouble) log.warn('an event was not recorded', { reason: why, remedy });
      toldTrouble = why;
    }
  };
}
