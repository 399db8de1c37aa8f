import { createHash } from 'node:crypto';
import { derToPem, pemToDer } from '../identity/pem.ts';
import { TRUST_KEY, trustConfigMapOf, trustKeyOf } from '../kubernetes/mesh-signer.ts';
import type { KubernetesObject } from '../kubernetes/objects.ts';
import type { Anchor } from './trust.ts';

/** When those CAs leave that are in the bundle for what they once signed: by SHA-256 of the DER, in hexadecimal. */
const LEAVING_ANNOTATION = 'meshcert.io/leaving';

export interface TrustConfigMap extends KubernetesObject {
  readonly data?: Readonly<Record<string, string>>;
}

/** One key with everything, and one for each backend. The ConfigMap is its own memory of when what leaves. */
export function renderTrust(mesh: string, anchors: readonly Anchor[]): TrustConfigMap {
  const backends = [...new Set(anchors.map(({ backend }) => backend))];
  const leaving = anchors.flatMap(({ certificate, leavesAtMs }) =>
    leavesAtMs === undefined ? [] : [[fingerprint(certificate), new Date(leavesAtMs).toISOString()] as const],
  );
  const ofBackend = (backend: string) => anchors.filter((anchor) => anchor.backend === backend);
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: trustConfigMapOf(mesh),
      labels: { 'app.kubernetes.io/managed-by': 'meshcert' },
      annotations: { [LEAVING_ANNOTATION]: JSON.stringify(Object.fromEntries(leaving)) },
    },
    data: {
      [TRUST_KEY]: toPem(anchors),
      ...Object.fromEntries(backends.map((backend) => [trustKeyOf(backend), toPem(ofBackend(backend))])),
    },
  };
}

/** What is published, as far as it can be read: whoever can write there has damaged it for themselves. */
export function parseTrust({ data = {}, metadata }: TrustConfigMap): Anchor[] {
  const leaving = readLeaving(metadata.annotations?.[LEAVING_ANNOTATION]);
  return Object.entries(data).flatMap(([key, text]) => {
    const [, backend] = /^backend-(.+)\.crt$/.exec(key) ?? [];
    if (backend === undefined) return [];
    return pemToDer('CERTIFICATE', text).map((certificate) => {
      const leavesAtMs = Date.parse(leaving[fingerprint(certificate)] ?? '');
      return { backend, certificate, leavesAtMs: Number.isNaN(leavesAtMs) ? undefined : leavesAtMs };
    });
  });
}

/** PEM, none twice: two backends may share a root. */
export function toPem(anchors: readonly Pick<Anchor, 'certificate'>[]): string {
  return [...new Set(anchors.map(({ certificate }) => derToPem('CERTIFICATE', certificate)))].join('');
}

function readLeaving(text = '{}'): Readonly<Record<string, string>> {
  try {
    return JSON.parse(text) as Record<string, string>;
  } catch {
    return {};
  }
}

function fingerprint(certificate: Buffer): string {
  return createHash('sha256').update(certificate).digest('hex');
}
