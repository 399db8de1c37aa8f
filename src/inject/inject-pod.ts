/**
 * From a pod to the patch that puts an agent beside its containers. Pure; the webhook and `meshcert inject` both use it.
 *
 * @module
 */
import { AgentError } from '../errors.ts';
import { type AgentParts, describeAgent, describeInitAgent } from './agent-container.ts';
import { configureAgent } from './agent-document.ts';
import { describeEnvoy, type PodEnvoy, planPodEnvoy } from './envoy-container.ts';
import { findTokens } from './find-tokens.ts';
import { mountIdentity, requireEmptyDir } from './mount-identity.ts';
import {
  AGENT,
  AGENT_CONFIG,
  CONTAINERS,
  ENVOY_CONFIG,
  IDENTITY_VOLUME,
  INIT_AGENT,
  INJECTED_LABEL,
  NOBODY_ID,
  PREFIX,
} from './names.ts';
import { type Draft, draftPatch, type Operation } from './patch.ts';
import { type Namespace, type Pod, requirePod } from './pod.ts';
import { readWishes, wantsInjection } from './read-wishes.ts';
import type { InjectSettings } from './settings.ts';
import { describeVolumes } from './volumes.ts';

export interface InjectRequest {
  /** As somebody gave it. */
  readonly pod: unknown;
  readonly namespace: Namespace;
  /** Whether pods are injected of which neither the namespace nor they themselves say anything. */
  readonly otherwise: boolean;
}

export interface Injection {
  /** Empty: the pod stays as it is, as it is not to be injected or has been already. */
  readonly operations: readonly Operation[];
  /** For whoever made the pod; a sentence each. */
  readonly warnings: readonly string[];
}

/** @throws AgentError `ERR_CONFIG`: why this pod cannot be injected, for whoever made it. */
export function injectPod({ pod: given, namespace, otherwise }: InjectRequest, settings: InjectSettings): Injection {
  const pod = requirePod(given);
  if (!wantsInjection(pod.metadata, namespace, otherwise)) return { operations: [], warnings: [] };
  const wishes = readWishes(pod.metadata, namespace);
  const draft = draftPatch(pod);
  // Another webhook may have added a container since.
  const identityVolume = wishes.volume ?? IDENTITY_VOLUME;
  if (isInjected(pod)) {
    if (wishes.volume === undefined) mountIdentity(pod, wishes, draft);
    return { operations: draft.operations, warnings: [] };
  }
  if (pod.spec.os?.name === 'windows') throw refuse('the agent does not run on Windows');
  if (wishes.volume !== undefined) requireEmptyDir(pod, wishes.volume);

  const { fsGroup } = pod.spec.securityContext ?? {};
  const group = fsGroup ?? NOBODY_ID;
  const { document, config } = configureAgent({ pod, namespace, wishes, group }, settings.meshes);
  const envoy = planPodEnvoy(pod.spec, wishes, settings);
  const tokens = findTokens(config);
  const volumes = describeVolumes({
    identity: wishes.volume === undefined,
    envoy: envoy !== undefined,
    configMap: settings.configMap,
    tokens,
  });
  refuseTakenNames(pod, volumes as { name: string }[]);

  if (wishes.volume === undefined) mountIdentity(pod, wishes, draft);
  draft.put(['metadata', 'labels'], INJECTED_LABEL, 'true');
  const mesh = settings.configMap === undefined ? config.mesh : undefined;
  draft.put(['metadata', 'annotations'], AGENT_CONFIG, settings.meshes.render(document, mesh));
  if (envoy !== undefined) {
    const text = settings.renderEnvoy(config, envoy.options);
    draft.put(['metadata', 'annotations'], ENVOY_CONFIG, text);
  }
  // Every container of the pod is in this group, whatever its user; the volumes stay as they are, unlike with fsGroup.
  const groups = pod.spec.securityContext?.supplementalGroups ?? [];
  if (fsGroup === undefined && !groups.includes(group)) {
    draft.append(['spec', 'securityContext', 'supplementalGroups'], group);
  }
  draft.append(['spec', 'volumes'], ...volumes);
  const warnings = addContainers({ pod, parts: { wishes, identityVolume, tokens }, envoy }, settings, draft);
  return { operations: draft.operations, warnings };
}

function isInjected({ metadata, spec }: Pod): boolean {
  const names = [...spec.containers, ...(spec.initContainers ?? [])].map(({ name }) => name);
  return metadata?.labels?.[INJECTED_LABEL] !== undefined && (names.includes(AGENT) || names.includes(INIT_AGENT));
}

/** @returns warnings. */
function addContainers(
  { pod, parts, envoy }: { pod: Pod; parts: AgentParts; envoy: PodEnvoy | undefined },
  settings: InjectSettings,
  draft: Draft,
): string[] {
  const { identityVolume: volume, wishes } = parts;
  const { mountPath, outputs } = wishes;
  const proxy = envoy === undefined ? [] : [describeEnvoy(envoy, { volume, mountPath }, settings)];
  if (settings.sidecar === 'native') {
    draft.prepend(['spec', 'initContainers'], describeAgent(parts, settings), ...proxy);
    return [];
  }
  const ends = (pod.spec.restartPolicy ?? 'Always') !== 'Always';
  if (ends && (outputs.size > 1 || !outputs.has('files'))) {
    throw refuse(
      'a pod that ends can be given files only here: an ordinary sidecar would keep it from ending',
      'use a cluster with native sidecars (Kubernetes 1.29), and --sidecar native',
    );
  }
  if (outputs.has('files')) draft.prepend(['spec', 'initContainers'], describeInitAgent(parts, settings));
  if (ends) return ["the pod's certificate is not replaced: let the pod end before it does, or use native sidecars"];
  draft.append(['spec', 'containers'], describeAgent(parts, settings), ...proxy);
  return [];
}

function refuseTakenNames({ spec }: Pod, ours: readonly { readonly name: string }[]): void {
  for (const { name } of [...spec.containers, ...(spec.initContainers ?? [])]) {
    if (CONTAINERS.includes(name)) {
      throw refuse(
        `the pod has a container "${name}" of its own`,
        `rename it, or label the pod ${PREFIX}inject: disabled`,
      );
    }
  }
  for (const { name } of spec.volumes ?? []) {
    if (ours.some((volume) => volume.name === name)) {
      throw refuse(
        `the pod has a volume "${name}" of its own`,
        `rename it, or label the pod ${PREFIX}inject: disabled`,
      );
    }
  }
}

function refuse(message: string, remedy?: string): AgentError {
  return new AgentError('ERR_CONFIG', message, remedy === undefined ? {} : { remedy });
}
