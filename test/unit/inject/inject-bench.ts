import { openInjection } from '../../../src/cli/open-injection.ts';
import { type Injection, injectPod } from '../../../src/inject/inject-pod.ts';
import type { Operation } from '../../../src/inject/patch.ts';
import type { Container } from '../../../src/inject/pod.ts';
import type { InjectSettings } from '../../../src/inject/settings.ts';
import { openFakeEdge } from '../../helpers/fake-edge.ts';

export const VAULT_MESH = `type: Mesh
name: default
mtls:
  enabledBackend: vault-1
  backends:
  - name: vault-1
    type: vault
    conf:
      fromCp:
        address: https://vault.vault.svc:8200
        auth: {kubernetes: {role: web, tokenPath: /var/run/secrets/tokens/vault, audience: vault}}
`;

export interface BenchOptions extends Partial<Omit<InjectSettings, 'meshes' | 'renderEnvoy'>> {
  /** YAML of the documents of `-c`. */
  readonly documents?: string;
}

/** Settings as the commands make them. */
export async function openSettings({ documents = VAULT_MESH, ...more }: BenchOptions = {}): Promise<InjectSettings> {
  const { edge, error } = openFakeEdge({ environment: { MESHCERT_CONFIG: documents } });
  const settings = await openInjection({ files: [], image: 'meshcert:1', envoyImage: 'envoy:1' }, 'native', edge);
  if (settings === undefined) throw new Error(error());
  return { ...settings, ...more };
}

/** A pod after injection, as far as tests look. */
export interface InjectedPod {
  readonly metadata: { readonly labels: Record<string, string>; readonly annotations: Record<string, string> };
  readonly spec: {
    readonly initContainers: readonly (Container & Record<string, unknown>)[];
    readonly containers: readonly (Container & Record<string, unknown>)[];
    readonly volumes: readonly ({ readonly name: string } & Record<string, unknown>)[];
    readonly securityContext?: Record<string, unknown>;
  };
}

export interface Asked {
  readonly metadata?: object;
  readonly spec?: object;
  /** Of the namespace. Default: the label that asks for injection. */
  readonly namespace?: { readonly labels?: Record<string, string>; readonly annotations?: Record<string, string> };
  readonly settings?: InjectSettings;
}

const shared = await openSettings();

/** Injects a pod that is otherwise plain. @throws AgentError */
export function inject(asked: Asked = {}): Injection & { readonly pod: InjectedPod } {
  const { metadata = {}, spec = {}, namespace = { labels: { 'meshcert.io/inject': 'enabled' } } } = asked;
  const pod = {
    metadata: { name: 'web-0', labels: { app: 'web' }, ...metadata },
    spec: { serviceAccountName: 'web', containers: [{ name: 'web', image: 'web' }], ...spec },
  };
  return injectAsItIs(pod, namespace, asked.settings);
}

export function injectAsItIs(pod: unknown, namespace: Asked['namespace'] = {}, settings = shared) {
  const request = { pod, namespace: { name: 'shop', metadata: namespace }, otherwise: false };
  const injection = injectPod(request, settings);
  return { ...injection, pod: applyPatch(pod, injection.operations) as InjectedPod };
}

/** RFC 6902, for "add" alone: each operation must fit what is there. */
function applyPatch(original: unknown, operations: readonly Operation[]): unknown {
  const root = structuredClone(original);
  for (const { path, value } of operations) {
    const parent = path.slice(0, -1).reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], root);
    const key = path.at(-1) ?? '';
    if (!Array.isArray(parent)) (parent as Record<string, unknown>)[key] = value;
    else if (key === '-') parent.push(value);
    else if (Number(key) <= parent.length) parent.splice(Number(key), 0, value);
    else throw new RangeError(`the list has no place ${key}`);
  }
  return root;
}

export const nameAll = (list: readonly { readonly name: string }[] | null | undefined) =>
  (list ?? []).map(({ name }) => name);
