import type { Address, EnvoyOptions } from '../envoy/plan.ts';
import { AgentError } from '../errors.ts';
import { RESTRICTED } from './agent-container.ts';
import { ENVOY, ENVOY_DIRECTORY, ENVOY_PORT, ENVOY_VOLUME, PREFIX } from './names.ts';
import type { PodSpec } from './pod.ts';
import type { Wishes } from './read-wishes.ts';
import type { InjectSettings } from './settings.ts';

const DEFAULT_INBOUND: Address = { host: '0.0.0.0', port: 10_443 };

/** An Envoy as a pod asks for it, with nothing left to guess. */
export interface PodEnvoy {
  readonly image: string;
  readonly resources: object;
  readonly options: EnvoyOptions & { readonly inbound: Address };
}

/**
 * @returns undefined when the pod asks for none.
 * @throws AgentError `ERR_CONFIG` when there is no image, or nothing says where the application listens.
 */
export function planPodEnvoy(
  { containers }: PodSpec,
  { envoy }: Wishes,
  settings: InjectSettings,
): PodEnvoy | undefined {
  if (envoy === undefined) return undefined;
  if (settings.envoyImage === undefined) {
    throw new AgentError('ERR_CONFIG', `the pod asks for ${PREFIX}envoy, and meshcert was given no image of Envoy`, {
      remedy: 'start meshcert with --envoy-image IMAGE',
    });
  }
  const { resources, ...asked } = envoy;
  const inbound = asked.inbound ?? DEFAULT_INBOUND;
  const ports = containers.flatMap((container) => container.ports ?? []);
  const declared = ports.find(({ protocol = 'TCP' }) => protocol === 'TCP')?.containerPort;
  if (asked.app === undefined && declared === undefined) {
    throw new AgentError('ERR_CONFIG', 'no container declares the port that the application listens on', {
      remedy: `set the annotation ${PREFIX}envoy-app: 127.0.0.1:PORT`,
    });
  }
  const app = asked.app ?? { protocol: 'http', host: '127.0.0.1', port: declared ?? 0 };
  if (app.port === inbound.port) {
    throw new AgentError('ERR_CONFIG', `Envoy and the application would both listen on port ${app.port}`, {
      remedy: `set the annotation ${PREFIX}envoy-inbound: 0.0.0.0:PORT`,
    });
  }
  return { image: settings.envoyImage, resources, options: { ...asked, inbound, app } };
}

/** It opens its port when it has got its certificate, so that a native one keeps the application waiting until then. */
export function describeEnvoy(
  { image, resources, options: { inbound } }: PodEnvoy,
  identity: { readonly volume: string; readonly mountPath: string },
  { imagePullPolicy, sidecar }: InjectSettings,
): object {
  return {
    name: ENVOY,
    image,
    ...(imagePullPolicy !== undefined && { imagePullPolicy }),
    ...(sidecar === 'native' && { restartPolicy: 'Always' }),
    // Not the entry point of its image, which changes the user.
    command: ['envoy'],
    args: ['--config-path', `${ENVOY_DIRECTORY}/envoy.yaml`, '--concurrency', '2', '--disable-hot-restart'],
    ports: [{ name: ENVOY_PORT, containerPort: inbound.port, protocol: 'TCP' }],
    ...(inbound.host === '0.0.0.0' && {
      startupProbe: { tcpSocket: { port: inbound.port }, periodSeconds: 1, failureThreshold: 86_400 },
    }),
    resources,
    securityContext: RESTRICTED,
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [
      { name: ENVOY_VOLUME, mountPath: ENVOY_DIRECTORY, readOnly: true },
      { name: identity.volume, mountPath: identity.mountPath, readOnly: true },
    ],
  };
}
