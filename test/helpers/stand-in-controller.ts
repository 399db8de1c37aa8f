import 'reflect-metadata';
import { createPublicKey, type KeyObject } from 'node:crypto';
import { Pkcs10CertificateRequest } from '@peculiar/x509';
import type { Test } from 'tap';
import { systemClock } from '../../src/clock.ts';
import { derToPem } from '../../src/identity/pem.ts';
import type { CertificateRequest } from '../../src/issuer/certmanager/certificate-request.ts';
import type { KubernetesAccess } from '../../src/kubernetes/access.ts';
import { openKubernetes } from '../../src/kubernetes/kubernetes.ts';
import type { Cluster } from './kube-client.ts';

/** What it writes into a request: conditions and, where it signs, certificates. */
export type Status = Record<string, unknown>;

export interface StandInController {
  /** Requests that it saw, each as it was first. */
  readonly seen: (CertificateRequest & { spec: Record<string, unknown> })[];
  /** From now on; undefined: leaves requests alone. */
  answer(make: (csrKey: KeyObject, name: string) => Promise<Status | undefined> | Status | undefined): void;
}

/**
 * Stands for the controller of an issuer that is not cert-manager's own, and for an approver, in one namespace: it signs
 * wrongly or denies, as told, which the real ones never do. It looks at no approval and at no issuer.
 */
export async function openStandInController(
  t: Pick<Test, 'teardown'>,
  cluster: Cluster,
  { namespace, admin }: { namespace: string; admin: KubernetesAccess },
): Promise<StandInController> {
  const stop = new AbortController();
  const kubernetes = await openKubernetes({ access: admin }, { clock: systemClock, random: Math.random });
  const path = `/apis/cert-manager.io/v1/namespaces/${namespace}/certificaterequests`;
  const seen: StandInController['seen'] = [];
  let make: Parameters<StandInController['answer']>[0] = () => undefined;

  async function answer(request: StandInController['seen'][number]): Promise<void> {
    if (request.status !== undefined || seen.some(({ metadata }) => metadata.uid === request.metadata.uid)) return;
    seen.push(request);
    const pem = Buffer.from(String(request.spec.request), 'base64').toString();
    const { publicKey } = new Pkcs10CertificateRequest(pem);
    const key = createPublicKey({ key: Buffer.from(publicKey.rawData), format: 'der', type: 'spki' });
    const status = await make(key, request.metadata.name ?? '');
    if (status === undefined) return;
    const answered = await cluster.api('PUT', `${path}/${request.metadata.name}/status`, { ...request, status });
    if (answered.status >= 300) throw new Error(`status of a request: ${JSON.stringify(answered.body)}`);
  }

  const working = (async () => {
    for await (const event of kubernetes.watch<StandInController['seen'][number]>(path, {}, stop.signal)) {
      if (event.type === 'deleted') continue;
      for (const request of event.type === 'listed' ? event.objects : [event.object]) await answer(request);
    }
  })();
  t.teardown(async () => {
    stop.abort();
    await working;
    kubernetes.close();
  });
  return {
    seen,
    answer(next) {
      make = next;
    },
  };
}

/** A condition as controllers write it. */
export function condition(type: string, status: 'True' | 'False', reason: string, message: string) {
  return { type, status, reason, message, lastTransitionTime: new Date().toISOString().replace(/\.\d+/, '') };
}

/** What a controller writes that has signed. DER; leaf first, unless a test wants something else. */
export function signed(chain: readonly Buffer[], caPem: string): Status {
  const pem = chain.map((der) => derToPem('CERTIFICATE', der)).join('');
  return {
    conditions: [
      condition('Approved', 'True', 'test', 'by the test'),
      condition('Ready', 'True', 'Issued', 'signed by the test'),
    ],
    certificate: Buffer.from(pem).toString('base64'),
    ...(caPem !== '' && { ca: Buffer.from(caPem).toString('base64') }),
  };
}
