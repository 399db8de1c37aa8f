/**
 * Every name that injection gives or reads. They are a contract with users, described in docs/kubernetes.md.
 *
 * @module
 */

export const PREFIX = 'meshcert.io/';

/** Label of pods and namespaces: `enabled` or `disabled`. */
export const INJECT_LABEL = `${PREFIX}inject`;
/** Label of pods that have been injected. */
export const INJECTED_LABEL = `${PREFIX}injected`;
/** Label or annotation of pods and namespaces. */
export const BACKEND = 'backend';

/** Annotations that injection writes, and that the volumes of its containers are made of. */
export const AGENT_CONFIG = `${PREFIX}agent-config`;
export const ENVOY_CONFIG = `${PREFIX}envoy-config`;

/** Annotations that people write, without their prefix. */
export const WISHES = [
  'service',
  'mesh',
  BACKEND,
  'expiration',
  'allow',
  'outputs',
  'mount-path',
  'volume',
  'resources',
  'telemetry-port',
  'envoy',
  'envoy-app',
  'envoy-app-tls',
  'envoy-inbound',
  'envoy-outbound',
  'envoy-resources',
] as const;

export type WishName = (typeof WISHES)[number];

export const AGENT = 'meshcert';
export const INIT_AGENT = 'meshcert-init';
export const ENVOY = 'meshcert-envoy';
export const CONTAINERS: readonly string[] = [AGENT, INIT_AGENT, ENVOY];

/** Volumes. */
export const IDENTITY_VOLUME = 'meshcert';
export const ADMIN_VOLUME = 'meshcert-admin';
export const CONFIG_VOLUME = 'meshcert-config';
export const ENVOY_VOLUME = 'meshcert-envoy';
export const TOKEN_VOLUME = 'meshcert-token';

/** Names of ports; at most 15 characters. */
export const METRICS_PORT = 'mesh-metrics';
export const ENVOY_PORT = 'mesh';

export const CONFIG_DIRECTORY = '/etc/meshcert';
export const ENVOY_DIRECTORY = '/etc/meshcert-envoy';
export const ADMIN_DIRECTORY = '/var/run/meshcert-admin';

/** Of the agent and of Envoy: any but root will do, and this is nobody's in most images. Also the group of the key. */
export const NOBODY_ID = 65_532;
