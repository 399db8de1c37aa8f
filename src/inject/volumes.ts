import type { TokenVolume } from './find-tokens.ts';
import { ADMIN_VOLUME, AGENT_CONFIG, CONFIG_VOLUME, ENVOY_CONFIG, ENVOY_VOLUME, IDENTITY_VOLUME } from './names.ts';

/** A generation takes some 40 KiB of memory, and of certificates that live for a minute a dozen are kept for readers. */
const IDENTITY_SIZE = '4Mi';

export interface VolumesNeeded {
  /** False: the pod has one of its own. */
  readonly identity: boolean;
  readonly envoy: boolean;
  readonly configMap: string | undefined;
  readonly tokens: readonly TokenVolume[];
}

export function describeVolumes({ identity, envoy, configMap, tokens }: VolumesNeeded): object[] {
  return [
    // Memory: no key touches a disk.
    ...(identity ? [{ name: IDENTITY_VOLUME, emptyDir: { medium: 'Memory', sizeLimit: IDENTITY_SIZE } }] : []),
    { name: ADMIN_VOLUME, emptyDir: { sizeLimit: '1Mi' } },
    {
      name: CONFIG_VOLUME,
      projected: {
        sources: [
          { downwardAPI: { items: [readAnnotation(AGENT_CONFIG, 'agent.yaml')] } },
          ...(configMap === undefined ? [] : [{ configMap: { name: configMap } }]),
        ],
      },
    },
    ...tokens.map(({ name, tokens: files }) => ({
      name,
      projected: {
        sources: files.map(({ path, audience, expirationSeconds }) => ({
          serviceAccountToken: { path, expirationSeconds, ...(audience !== undefined && { audience }) },
        })),
      },
    })),
    ...(envoy ? [{ name: ENVOY_VOLUME, downwardAPI: { items: [readAnnotation(ENVOY_CONFIG, 'envoy.yaml')] } }] : []),
  ];
}

function readAnnotation(annotation: string, path: string): object {
  return { path, fieldRef: { fieldPath: `metadata.annotations['${annotation}']` } };
}
