import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../clock.ts';
import { findTrustBundleVersion, trustBundlePath } from '../kubernetes/cluster-trust-bundles.ts';
import type { Kubernetes } from '../kubernetes/kubernetes.ts';
import { statusOf } from '../kubernetes/kubernetes-error.ts';
import { signerNameOf, trustConfigMapOf } from '../kubernetes/mesh-signer.ts';
import { makePath } from '../kubernetes/paths.ts';
import type { Log } from '../log.ts';
import { type Anchor, type BackendTrust, mergeTrust } from './trust.ts';
import { parseTrust, renderTrust, type TrustConfigMap, toPem } from './trust-config-map.ts';

const APPLY = { fieldManager: 'meshcert-signer', force: true };

export interface TrustPublisher {
  /**
   * Makes the published bundle what it is to be now. What an earlier run published stays in it for its time.
   *
   * @param unread names of backends whose CA is not known.
   * @throws AgentError
   */
  publish(
    backends: readonly BackendTrust[],
    unread: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly Anchor[]>;
}

/** Publishes as a ConfigMap in the signer's namespace, and as a ClusterTrustBundle where the API server has those. */
export function openTrustPublisher(
  { mesh, namespace }: { readonly mesh: string; readonly namespace: string },
  { kubernetes, clock, log }: { readonly kubernetes: Kubernetes; readonly clock: Clock; readonly log: Log },
): TrustPublisher {
  const configMap = makePath({ group: '', version: 'v1', resource: 'configmaps', namespace }, trustConfigMapOf(mesh));
  let bundleVersion: Promise<string | undefined> | undefined;

  async function readPublished(signal: AbortSignal): Promise<TrustConfigMap | undefined> {
    return kubernetes.get<TrustConfigMap>(configMap, signal).catch((thrown: unknown) => {
      if (statusOf(thrown) === 404) return undefined;
      throw thrown;
    });
  }

  async function publishClusterTrustBundle(anchors: readonly Anchor[], signal: AbortSignal): Promise<void> {
    // Asked once: it takes a restart of the API server to change that.
    bundleVersion ??= findTrustBundleVersion(kubernetes, signal).catch((thrown: unknown) => {
      bundleVersion = undefined;
      throw thrown;
    });
    const version = await bundleVersion;
    if (version === undefined) return;
    const signerName = signerNameOf(mesh);
    const name = `${signerName.replace('/', ':')}:trust`;
    await kubernetes.apply(
      trustBundlePath(version, name),
      {
        apiVersion: `certificates.k8s.io/${version}`,
        kind: 'ClusterTrustBundle',
        metadata: { name, labels: { 'app.kubernetes.io/managed-by': 'meshcert' } },
        spec: { signerName, trustBundle: toPem(anchors) },
      },
      APPLY,
      signal,
    );
  }

  return {
    async publish(backends, unread, signal) {
      const published = await readPublished(signal);
      const before = published === undefined ? [] : parseTrust(published);
      const anchors = mergeTrust(before, backends, unread, clock.nowMs());
      const rendered = renderTrust(mesh, anchors);
      if (!isDeepStrictEqual(rendered.data, published?.data) || !isDeepStrictEqual(anchors, before)) {
        await kubernetes.apply(configMap, rendered, APPLY, signal);
        log.info('trust bundle published', { configMap: trustConfigMapOf(mesh), certificates: anchors.length });
      }
      await publishClusterTrustBundle(anchors, signal);
      return anchors;
    },
  };
}
