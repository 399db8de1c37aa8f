import { derToPem } from '../../identity/pem.ts';
import type { SpiffeId } from '../../identity/spiffe-id.ts';
import type { Condition, KubernetesObject } from '../../kubernetes/objects.ts';
import { makePath } from '../../kubernetes/paths.ts';
import type { IssuerRef } from './config.ts';

/** The API group of cert-manager, whose own issuers are in it, too. */
export const CERT_MANAGER = 'cert-manager.io';

/** What is asked for, and how far it is (cert-manager, `pkg/apis/certmanager/v1`). */
export interface CertificateRequest extends KubernetesObject {
  readonly status?: {
    readonly conditions?: readonly Condition[];
    /** Base64 of PEM, leaf first. */
    readonly certificate?: string;
    /** Base64 of PEM: the highest CA that the issuer knows of. */
    readonly ca?: string;
  };
}

/** Those of csi-driver-spiffe, whose approver insists on them; the first three are what X509-SVID and TLS need. */
export const USAGES = ['digital signature', 'key encipherment', 'server auth', 'client auth'];

export function makeRequestsPath(namespace: string): string {
  return makePath({ group: CERT_MANAGER, version: 'v1', resource: 'certificaterequests', namespace });
}

export interface RequestFacts {
  readonly name: string;
  readonly issuerRef: IssuerRef;
  /** DER. */
  readonly csr: Buffer;
  readonly ttlSeconds: number;
  readonly spiffeId: SpiffeId;
  /** The pod that we run in: with it goes what a crash leaves behind. */
  readonly pod: { readonly name: string; readonly uid: string } | undefined;
}

export function makeCertificateRequest({ name, issuerRef, csr, ttlSeconds, spiffeId, pod }: RequestFacts) {
  return {
    apiVersion: `${CERT_MANAGER}/v1`,
    kind: 'CertificateRequest',
    metadata: {
      name,
      labels: { 'app.kubernetes.io/managed-by': 'meshcert' },
      annotations: { 'meshcert.io/spiffe-id': spiffeId.toString() },
      ...(pod !== undefined && {
        ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: pod.name, uid: pod.uid }],
      }),
    },
    spec: {
      request: Buffer.from(derToPem('CERTIFICATE REQUEST', csr)).toString('base64'),
      issuerRef,
      duration: `${ttlSeconds}s`,
      isCA: false,
      usages: USAGES,
    },
  };
}
