/**
 * What a cluster needs when the CA is cert-manager: printed as YAML, or applied.
 *
 * @module
 */
import { AgentError } from '../../errors.ts';
import type { KubernetesAccess } from '../../kubernetes/access.ts';
import { type Kubernetes, type KubernetesPorts, openKubernetes } from '../../kubernetes/kubernetes.ts';
import { statusOf } from '../../kubernetes/kubernetes-error.ts';
import type { KubernetesObject } from '../../kubernetes/objects.ts';
import { makePath } from '../../kubernetes/paths.ts';
import { type Manifest, makeManifests, makePolicy, type SetupChoices, type SetupSubject } from './manifests.ts';

const FIELD_MANAGER = 'meshcert-setup';

/** The manifests for `kubectl apply -f -`, and in comments what approver-policy would need. */
export async function printManifests(subject: SetupSubject, choices: SetupChoices): Promise<string> {
  const { stringify } = await import('yaml');
  const render = (objects: readonly Manifest[]) => objects.map((object) => stringify(object)).join('---\n');
  const { namespace, name } = choices.serviceAccount;
  const { kind, name: issuer } = subject.certmanager.issuerRef;
  return [
    `# What the service account ${namespace}/${name} needs to get certificates for ${subject.spiffeId}`,
    `# from the ${kind} "${issuer}" of cert-manager. To be applied by an administrator: kubectl apply -f FILE`,
    render(makeManifests(subject, choices)).trimEnd(),
    '# By itself cert-manager approves every request: whoever may create one gets any SPIFFE ID. Where approver-policy',
    '# approves instead, which is better, it needs this, too:',
    ...render(makePolicy(subject, choices))
      .trimEnd()
      .split('\n')
      .map((line) => `# ${line}`),
    '',
  ].join('\n');
}

export interface Applied {
  /** `Role demo/meshcert-web` */
  readonly what: string;
  readonly result: 'made' | 'changed' | 'unchanged' | 'differs';
  /** What a person has to know. */
  readonly note: string | undefined;
}

/**
 * Applies the manifests by server-side apply: a second run changes nothing. Fields that another manager has set to
 * something else stay, unless `force` is given.
 *
 * @param tell gets each result as soon as it is known.
 * @returns whether all is as wanted now.
 * @throws AgentError of the first refusal.
 */
export async function applyManifests(
  subject: SetupSubject,
  choices: SetupChoices & { readonly force: boolean },
  access: KubernetesAccess | undefined,
  { tell, ...ports }: KubernetesPorts & { readonly tell: (applied: Applied) => void },
): Promise<boolean> {
  const kubernetes = await openKubernetes({ access }, ports);
  let isComplete = true;
  try {
    for (const manifest of makeManifests(subject, choices)) {
      const applied = await applyOne(kubernetes, manifest, choices.force);
      isComplete &&= applied.result !== 'differs';
      tell(applied);
    }
    return isComplete;
  } finally {
    kubernetes.close();
  }
}

async function applyOne(kubernetes: Kubernetes, manifest: Manifest, force: boolean): Promise<Applied> {
  const { signal } = new AbortController();
  const path = findPath(manifest);
  const what = describe(manifest);
  try {
    const before = await kubernetes.get<KubernetesObject>(path, signal).catch((thrown: unknown) => {
      if (statusOf(thrown) === 404) return undefined;
      throw thrown;
    });
    const after = await kubernetes.apply(path, manifest, { fieldManager: FIELD_MANAGER, force }, signal);
    const isSame = before?.metadata.resourceVersion === after.metadata.resourceVersion;
    return { what, result: before === undefined ? 'made' : isSame ? 'unchanged' : 'changed', note: undefined };
  } catch (thrown) {
    const error = AgentError.from(thrown);
    if (statusOf(thrown) === 409) {
      return { what, result: 'differs', note: `${error.message}; left as it is, changed with --force` };
    }
    throw new AgentError(error.code, `${what}: ${error.message}`, {
      cause: error,
      ...(error.remedy !== undefined && { remedy: error.remedy }),
    });
  }
}

function findPath({ apiVersion, kind, metadata }: Manifest): string {
  const [group = '', version = ''] = apiVersion.split('/');
  return makePath({ group, version, resource: `${kind.toLowerCase()}s`, namespace: metadata.namespace }, metadata.name);
}

function describe({ kind, metadata: { namespace, name } }: Manifest): string {
  return `${kind} ${namespace === undefined ? name : `${namespace}/${name}`}`;
}
