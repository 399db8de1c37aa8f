import { findNearest } from '../config/nearest.ts';
import type { EnvoyOptions } from '../envoy/plan.ts';
import { readAddress, readListenAddress, readOutbound, readTarget } from '../envoy/read-target.ts';
import { AgentError } from '../errors.ts';
import {
  AGENT_CONFIG,
  BACKEND,
  ENVOY_CONFIG,
  INJECT_LABEL,
  INJECTED_LABEL,
  PREFIX,
  WISHES,
  type WishName,
} from './names.ts';
import type { Metadata, Namespace } from './pod.ts';
import { chooser, type Output, readMountPath, readOutputs, readPort, readResources, splitList } from './read-values.ts';

/** What a pod and its namespace ask for. */
export interface Wishes {
  readonly service: string | undefined;
  readonly mesh: string | undefined;
  readonly backend: string | undefined;
  /** Not looked at here. */
  readonly expiration: string | undefined;
  readonly allow: readonly string[] | undefined;
  readonly outputs: ReadonlySet<Output>;
  /** Where the application finds what is delivered. Absolute. */
  readonly mountPath: string;
  /** An emptyDir of the pod's own to deliver to. Undefined: one of ours. */
  readonly volume: string | undefined;
  readonly resources: object;
  readonly telemetryPort: number;
  /** Undefined: none. */
  readonly envoy: (EnvoyOptions & { readonly resources: object }) | undefined;
}

const AGENT_RESOURCES = { requests: { cpu: '10m', memory: '64Mi' }, limits: { memory: '128Mi' } };
const ENVOY_RESOURCES = { requests: { cpu: '50m', memory: '64Mi' }, limits: { memory: '256Mi' } };

const WRITTEN_BY_US: readonly string[] = [AGENT_CONFIG, ENVOY_CONFIG, INJECTED_LABEL];
/** The label that the pod's service is named by, when no annotation does. */
const SERVICE_LABELS = ['app.kubernetes.io/name', 'app'];

/**
 * Whether a pod is to be injected: its own label, else that of its namespace.
 *
 * @param otherwise where neither has the label.
 * @throws AgentError `ERR_CONFIG` for another value than `enabled` and `disabled`.
 */
export function wantsInjection(pod: Metadata | undefined, namespace: Namespace, otherwise: boolean): boolean {
  const value = pod?.labels?.[INJECT_LABEL] ?? namespace.metadata.labels?.[INJECT_LABEL];
  if (value === undefined) return otherwise;
  if (value === 'enabled' || value === 'disabled') return value === 'enabled';
  throw refuse(`the label ${INJECT_LABEL} is "${value}", expected enabled or disabled`);
}

/**
 * The annotations of a pod, and those of its namespace where the pod has none of that name.
 *
 * @throws AgentError `ERR_CONFIG` for the first that is unknown or cannot be read.
 */
export function readWishes(pod: Metadata | undefined, namespace: Namespace): Wishes {
  const given = { ...collect(namespace.metadata, `the namespace "${namespace.name}"`), ...collect(pod, 'the pod') };
  const read = <T>(name: WishName, reader: (text: string) => T): T | undefined => {
    const text = given[name];
    if (text === undefined) return undefined;
    try {
      return reader(text);
    } catch (thrown) {
      const { message, remedy } = AgentError.from(thrown);
      throw refuse(`the annotation ${PREFIX}${name} cannot be used: ${message}`, remedy);
    }
  };
  const mode = read('envoy', chooser(['strict', 'permissive', 'off'])) ?? 'off';
  const outputs = new Set<Output>(read('outputs', readOutputs) ?? ['files']);
  if (mode !== 'off') outputs.add('sds');
  return {
    service: given.service ?? findServiceLabel(pod),
    mesh: given.mesh,
    backend: given[BACKEND],
    expiration: given.expiration,
    allow: read('allow', splitList),
    outputs,
    mountPath: read('mount-path', readMountPath) ?? '/var/run/meshcert',
    volume: given.volume,
    resources: read('resources', readResources) ?? AGENT_RESOURCES,
    telemetryPort: read('telemetry-port', readPort) ?? 9902,
    envoy:
      mode === 'off'
        ? undefined
        : {
            mode: mode === 'strict' ? 'STRICT' : 'PERMISSIVE',
            app: read('envoy-app', readTarget),
            appTls: read('envoy-app-tls', readAddress),
            inbound: read('envoy-inbound', readListenAddress),
            outbounds: read('envoy-outbound', (text) => splitList(text).map(readOutbound)),
            resources: read('envoy-resources', readResources) ?? ENVOY_RESOURCES,
          },
  };
}

/** Annotations without their prefix, and the label that picks a backend. */
function collect(metadata: Metadata | undefined, where: string): Partial<Record<WishName, string>> {
  const { labels, annotations } = { labels: metadata?.labels ?? {}, annotations: metadata?.annotations ?? {} };
  for (const name of Object.keys({ ...labels, ...annotations })) {
    if (name.startsWith(PREFIX)) requireKnown(name, name in annotations, where);
  }
  const wishes = Object.entries(annotations)
    .filter(([name]) => name.startsWith(PREFIX) && !WRITTEN_BY_US.includes(name))
    .map(([name, value]) => [name.slice(PREFIX.length), value.trim()] as const);
  for (const [name, value] of wishes) {
    if (value === '')
      throw refuse(`the annotation ${PREFIX}${name} of ${where} is empty`, 'write its value, or remove it');
  }
  const read: Partial<Record<WishName, string>> = Object.fromEntries(wishes);
  const label = labels[`${PREFIX}${BACKEND}`];
  if (label !== undefined && read[BACKEND] !== undefined && read[BACKEND] !== label) {
    throw refuse(
      `${where} has ${PREFIX}${BACKEND} as a label and as an annotation, and they differ`,
      'keep one of them',
    );
  }
  return label === undefined ? read : { ...read, [BACKEND]: label };
}

function requireKnown(name: string, isAnnotation: boolean, where: string): void {
  const labels = [INJECT_LABEL, INJECTED_LABEL, `${PREFIX}${BACKEND}`];
  const annotations = [...WISHES.map((wish) => `${PREFIX}${wish}`), ...WRITTEN_BY_US];
  if ((isAnnotation ? annotations : labels).includes(name)) return;
  const kind = isAnnotation ? 'annotation' : 'label';
  if ((isAnnotation ? labels : annotations).includes(name)) {
    throw refuse(
      `${where} has ${name} as ${isAnnotation ? 'an annotation' : 'a label'}`,
      `write it as ${isAnnotation ? 'a label' : 'an annotation'}`,
    );
  }
  const known = isAnnotation ? WISHES : labels.map((label) => label.slice(PREFIX.length));
  const nearest = findNearest(name.slice(PREFIX.length), known);
  throw refuse(
    `${where} has the ${kind} ${name}, which is none of meshcert's`,
    nearest === undefined ? `known are: ${known.join(', ')}` : `did you mean ${PREFIX}${nearest}?`,
  );
}

function findServiceLabel(pod: Metadata | undefined): string | undefined {
  return SERVICE_LABELS.map((label) => pod?.labels?.[label]).find((value) => value !== undefined && value !== '');
}

function refuse(message: string, remedy?: string): AgentError {
  return new AgentError('ERR_CONFIG', message, remedy === undefined ? {} : { remedy });
}
