import { AgentError } from '../errors.ts';

/** As much of a pod, or of the template of pods, as injection looks at; the rest passes as it is. */
export interface Pod {
  readonly metadata?: Metadata | undefined;
  readonly spec: PodSpec;
}

export interface Metadata {
  /** Pods of controllers have none yet when they are admitted. */
  readonly name?: string;
  readonly generateName?: string;
  readonly labels?: Readonly<Record<string, string>> | null;
  readonly annotations?: Readonly<Record<string, string>> | null;
}

export interface PodSpec {
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[] | null;
  readonly volumes?: readonly Volume[] | null;
  readonly restartPolicy?: string;
  readonly serviceAccountName?: string;
  readonly securityContext?: { readonly fsGroup?: number; readonly supplementalGroups?: readonly number[] } | null;
  readonly os?: { readonly name?: string };
}

export interface Container {
  readonly name: string;
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[] | null;
  readonly env?: readonly { readonly name: string }[] | null;
  readonly ports?: readonly { readonly containerPort?: number; readonly protocol?: string }[] | null;
}

export interface Volume {
  readonly name: string;
  readonly emptyDir?: { readonly medium?: string } | null;
}

/** Where a pod lives; its labels and annotations are defaults for its pods. */
export interface Namespace {
  readonly name: string;
  readonly metadata: Pick<Metadata, 'labels' | 'annotations'>;
}

/**
 * Looks as closely at what may be a pod as injection relies on.
 *
 * @throws AgentError `ERR_CONFIG`
 */
export function requirePod(value: unknown): Pod {
  if (!isMapping(value) || !isMapping(value.spec)) throw refuse('there is no spec');
  const { metadata, spec } = value;
  if (!isNothing(metadata) && !isMapping(metadata)) throw refuse('metadata is no mapping');
  for (const key of ['labels', 'annotations'] as const) {
    const given = metadata?.[key];
    if (isNothing(given)) continue;
    if (!isMapping(given) || Object.values(given).some((one) => typeof one !== 'string')) {
      throw refuse(`metadata.${key} is no mapping of names to text`);
    }
  }
  if (!Array.isArray(spec.containers) || spec.containers.length === 0) throw refuse('spec.containers is no list');
  for (const key of ['containers', 'initContainers', 'volumes'] as const) requireNamed(spec[key], `spec.${key}`);
  for (const container of [...spec.containers, ...((spec.initContainers ?? []) as Record<string, unknown>[])]) {
    for (const key of ['volumeMounts', 'env', 'ports']) {
      if (!isNothing(container[key]) && !isListOfMappings(container[key])) {
        throw refuse(`${key} of the container "${container.name}" is no list of mappings`);
      }
    }
  }
  if (!isNothing(spec.securityContext) && !isMapping(spec.securityContext)) {
    throw refuse('spec.securityContext is no mapping');
  }
  return value as unknown as Pod;
}

function requireNamed(list: unknown, where: string): void {
  if (isNothing(list)) return;
  if (isListOfMappings(list) && list.every(({ name }) => typeof name === 'string')) return;
  throw refuse(`${where} is no list of things with names`);
}

function isListOfMappings(value: unknown): value is Record<string, unknown>[] {
  return Array.isArray(value) && value.every(isMapping);
}

export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isNothing(value: unknown): value is undefined | null {
  return value === undefined || value === null;
}

function refuse(why: string): AgentError {
  return new AgentError('ERR_CONFIG', `this is no pod: ${why}`);
}
