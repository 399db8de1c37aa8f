import type { TokenVolume } from './find-tokens.ts';
import {
  ADMIN_DIRECTORY,
  ADMIN_VOLUME,
  AGENT,
  CONFIG_DIRECTORY,
  CONFIG_VOLUME,
  INIT_AGENT,
  METRICS_PORT,
  NOBODY_ID,
} from './names.ts';
import type { Wishes } from './read-wishes.ts';
import type { InjectSettings } from './settings.ts';

/** A day: an agent that waits for its CA is not to be restarted for it. */
const PATIENCE_SECONDS = 86_400;
/** Of the one certificate of a pod that ends: then it has failed. */
const ONCE_TIMEOUT = '10m';

/** Pods of the `restricted` Pod Security Standard may have containers like this. */
export const RESTRICTED = {
  runAsUser: NOBODY_ID,
  runAsGroup: NOBODY_ID,
  runAsNonRoot: true,
  readOnlyRootFilesystem: true,
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
};

export interface AgentParts {
  readonly wishes: Wishes;
  /** Name of the volume that is delivered to. */
  readonly identityVolume: string;
  readonly tokens: readonly TokenVolume[];
}

/** The agent that stays. The containers after a native one start when its startup probe has passed. */
export function describeAgent(parts: AgentParts, settings: InjectSettings): object {
  const { telemetryPort } = parts.wishes;
  const ask = (path: string) => ({ httpGet: { path, port: telemetryPort }, periodSeconds: 10, timeoutSeconds: 5 });
  const healthcheck = ['meshcert', 'healthcheck', '--socket', `${ADMIN_DIRECTORY}/admin.sock`];
  return {
    ...describeCommon(parts, settings, AGENT),
    ...(settings.sidecar === 'native' && { restartPolicy: 'Always' }),
    ports: [{ name: METRICS_PORT, containerPort: telemetryPort, protocol: 'TCP' }],
    startupProbe: {
      exec: { command: healthcheck },
      periodSeconds: 1,
      timeoutSeconds: 5,
      failureThreshold: PATIENCE_SECONDS,
    },
    livenessProbe: { ...ask('/healthz'), failureThreshold: 6 },
    readinessProbe: ask('/readyz'),
  };
}

/** Gets one certificate and ends: what comes before all others where containers cannot wait for each other. */
export function describeInitAgent(parts: AgentParts, settings: InjectSettings): object {
  const common = describeCommon(parts, settings, INIT_AGENT);
  return { ...common, args: [...common.args, '--once', '--timeout', ONCE_TIMEOUT] };
}

function describeCommon({ wishes, identityVolume, tokens }: AgentParts, settings: InjectSettings, name: string) {
  const { image, imagePullPolicy, configMap } = settings;
  const files = ['agent.yaml', ...(configMap === undefined ? [] : ['mesh.yaml'])];
  const field = (variable: string, fieldPath: string) => ({ name: variable, valueFrom: { fieldRef: { fieldPath } } });
  return {
    name,
    image,
    ...(imagePullPolicy !== undefined && { imagePullPolicy }),
    args: ['run', ...files.flatMap((file) => ['-c', `${CONFIG_DIRECTORY}/${file}`])],
    env: [
      field('POD_NAME', 'metadata.name'),
      field('POD_NAMESPACE', 'metadata.namespace'),
      field('SERVICE_ACCOUNT', 'spec.serviceAccountName'),
    ],
    resources: wishes.resources,
    securityContext: RESTRICTED,
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [
      { name: identityVolume, mountPath: wishes.mountPath },
      { name: ADMIN_VOLUME, mountPath: ADMIN_DIRECTORY },
      { name: CONFIG_VOLUME, mountPath: CONFIG_DIRECTORY, readOnly: true },
      ...tokens.map((token) => ({ name: token.name, mountPath: token.directory, readOnly: true })),
    ],
  };
}
