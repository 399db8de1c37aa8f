/**
 * Manifests as people keep them: YAML of several documents, or JSON; any kinds, in any order.
 *
 * @module
 */
import { type Document, isMap, parseAllDocuments } from 'yaml';
import { AgentError } from '../errors.ts';
import type { PatchPath } from '../inject/patch.ts';
import { isMapping, type Namespace } from '../inject/pod.ts';

/** A pod, or a template of pods, inside of a manifest. */
export interface PodPlace {
  readonly document: Document;
  /** From the document inwards. */
  readonly path: PatchPath;
  /** `Deployment "web"` */
  readonly what: string;
  /** Undefined: whatever is in use when it is applied. */
  readonly namespace: string | undefined;
  readonly pod: unknown;
}

export interface Manifests {
  readonly documents: readonly Document[];
  readonly pods: readonly PodPlace[];
  readonly namespaces: readonly Namespace[];
}

const TEMPLATE: PatchPath = ['spec', 'template'];

/** Where the pods of each kind are. */
const PODS: Readonly<Record<string, PatchPath>> = {
  'v1 Pod': [],
  'v1 PodTemplate': ['template'],
  'v1 ReplicationController': TEMPLATE,
  'apps/v1 Deployment': TEMPLATE,
  'apps/v1 ReplicaSet': TEMPLATE,
  'apps/v1 StatefulSet': TEMPLATE,
  'apps/v1 DaemonSet': TEMPLATE,
  'batch/v1 Job': TEMPLATE,
  'batch/v1 CronJob': ['spec', 'jobTemplate', ...TEMPLATE],
};

/**
 * @param file for messages.
 * @throws AgentError `ERR_CONFIG` for text that is no YAML, or whose aliases cannot be followed.
 */
export function readManifests(text: string, file: string): Manifests {
  // Merge keys are no longer of YAML, but kubectl knows them.
  const documents = [...parseAllDocuments(text, { logLevel: 'silent', merge: true })] as Document[];
  const pods: PodPlace[] = [];
  const namespaces: Namespace[] = [];
  for (const document of documents) {
    const [error] = document.errors;
    if (error !== undefined) {
      const line = error.linePos?.[0].line;
      throw new AgentError('ERR_CONFIG', `${file}${line === undefined ? '' : `:${line}`}: malformed YAML`);
    }
    if (isMap(document.contents)) collect(document, [], toObject(document, file));
  }
  return { documents, pods, namespaces };

  function collect(document: Document, path: PatchPath, object: unknown): void {
    if (!isMapping(object)) return;
    const { apiVersion, kind, items } = object;
    const metadata = isMapping(object.metadata) ? object.metadata : {};
    const name = String(metadata.name ?? '');
    if (typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items)) {
      items.forEach((item, index) => {
        collect(document, [...path, 'items', index], item);
      });
    }
    if (apiVersion === 'v1' && kind === 'Namespace') namespaces.push({ name, metadata });
    const inside = PODS[`${apiVersion} ${kind}`];
    if (inside === undefined) return;
    pods.push({
      document,
      path: [...path, ...inside],
      what: `${kind} "${name}"`,
      namespace: typeof metadata.namespace === 'string' ? metadata.namespace : undefined,
      pod: inside.reduce<unknown>((node, key) => (isMapping(node) ? node[key] : undefined), object),
    });
  }
}

/** An alias without its anchor is no error of the syntax, and one of very much is refused by the library as an attack. */
function toObject(document: Document, file: string): unknown {
  try {
    return document.toJS();
  } catch (cause) {
    throw new AgentError('ERR_CONFIG', `${file}: its YAML aliases cannot be followed: ${(cause as Error).message}`, {
      remedy: 'set each anchor before its aliases, and use none a hundred times',
      cause,
    });
  }
}
