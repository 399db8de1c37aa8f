import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cluster } from './kube-client.ts';

/** As much of a pod as is run here. */
export interface PodToRun {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: {
    readonly serviceAccountName: string;
    readonly initContainers?: readonly PodContainer[];
    readonly containers: readonly PodContainer[];
    readonly volumes?: readonly PodVolume[];
  };
}

export interface PodContainer {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly restartPolicy?: string;
  readonly env?: readonly { name: string; value?: string; valueFrom?: { fieldRef: FieldRef } }[];
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[];
  readonly startupProbe?: Probe;
  readonly readinessProbe?: Probe;
}

export interface Probe {
  readonly exec?: { readonly command: readonly string[] };
  readonly tcpSocket?: { readonly port: number };
  /** `port` may be the name of one. */
  readonly httpGet?: { readonly path: string; readonly port: number | string };
}

interface FieldRef {
  readonly fieldPath: string;
}
interface DownwardApi {
  readonly items: readonly { readonly path: string; readonly fieldRef: FieldRef }[];
}
interface Projection {
  readonly downwardAPI?: DownwardApi;
  readonly configMap?: { readonly name: string };
  readonly serviceAccountToken?: { readonly path: string; readonly audience?: string; expirationSeconds?: number };
}
interface PodVolume {
  readonly name: string;
  readonly emptyDir?: object;
  readonly downwardAPI?: DownwardApi;
  readonly configMap?: { readonly name: string };
  readonly projected?: { readonly sources: readonly Projection[] };
}

/** @returns what the Downward API gives for a field. */
export function readField({ metadata, spec }: PodToRun, { fieldPath }: FieldRef): string {
  const [, map, key] = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(fieldPath) ?? [];
  if (key !== undefined) return metadata[map as 'labels' | 'annotations']?.[key] ?? '';
  const fields: Readonly<Record<string, string>> = {
    'metadata.name': metadata.name,
    'metadata.namespace': metadata.namespace,
    'spec.serviceAccountName': spec.serviceAccountName,
  };
  const value = fields[fieldPath];
  if (value === undefined) throw new Error(`this runner does not know the field ${fieldPath}`);
  return value;
}

/**
 * Makes a folder for each volume of the pod, once; nothing is written to it later.
 *
 * @param rewrite is given the content of each file of the Downward API.
 */
export async function makeVolumes(
  pod: PodToRun,
  directory: string,
  cluster: Cluster,
  rewrite: (text: string) => string,
): Promise<void> {
  const { namespace } = pod.metadata;
  for (const { name, emptyDir, downwardAPI, configMap, projected } of pod.spec.volumes ?? []) {
    const sources: readonly Projection[] | undefined =
      projected?.sources ?? (downwardAPI && [{ downwardAPI }]) ?? (configMap && [{ configMap }]) ?? (emptyDir && []);
    if (sources === undefined) throw new Error(`this runner does not know the kind of the volume ${name}`);
    const folder = join(directory, name);
    mkdirSync(folder, { recursive: true });
    const write = (path: string, text: string) => writeFileSync(join(folder, path), text);
    for (const source of sources) {
      for (const { path, fieldRef } of source.downwardAPI?.items ?? []) write(path, rewrite(readField(pod, fieldRef)));
      if (source.configMap !== undefined) {
        for (const [path, text] of Object.entries(await readConfigMap(cluster, namespace, source.configMap.name))) {
          write(path, rewrite(text));
        }
      }
      if (source.serviceAccountToken !== undefined) {
        const { path, audience, expirationSeconds = 3600 } = source.serviceAccountToken;
        const options = {
          expirationSeconds,
          pod: pod.metadata,
          ...(audience !== undefined && { audiences: [audience] }),
        };
        write(path, await cluster.createToken(namespace, pod.spec.serviceAccountName, options));
      }
    }
  }
}

async function readConfigMap(cluster: Cluster, namespace: string, name: string): Promise<Record<string, string>> {
  // A controller puts this one into every namespace, and there is none here.
  if (name === 'kube-root-ca.crt') return { 'ca.crt': cluster.caPem };
  const path = `/api/v1/namespaces/${namespace}/configmaps/${name}`;
  const { status, body } = await cluster.api<{ data?: Record<string, string> }>('GET', path);
  if (status !== 200) throw new Error(`no ConfigMap ${namespace}/${name}`);
  return body.data ?? {};
}
