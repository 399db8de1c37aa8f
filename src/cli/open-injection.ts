import { readFileSync } from 'node:fs';
import { stringify } from 'yaml';
import type { Config, Problem } from '../config/config.ts';
import { parseDocuments } from '../config/documents.ts';
import { loadConfig } from '../config/load.ts';
import { formatProblem } from '../config/problem.ts';
import { readSources } from '../config/read-sources.ts';
import { describeBootstrap } from '../envoy/bootstrap.ts';
import { planEnvoy } from '../envoy/plan.ts';
import { renderYaml } from '../envoy/render-yaml.ts';
import { AgentError } from '../errors.ts';
import { isMapping } from '../inject/pod.ts';
import type { InjectSettings, MeshDocuments } from '../inject/settings.ts';
import type { Edge } from './edge.ts';

/** What both `inject` and `webhook` are given. */
export interface InjectionOptions {
  /** What `-c` named, in order. */
  readonly files: readonly string[];
  readonly image: string;
  readonly envoyImage?: string | undefined;
  readonly imagePullPolicy?: 'Always' | 'IfNotPresent' | 'Never' | undefined;
  readonly configMap?: string | undefined;
}

/** Keys of an Agent document that are each pod's own. */
const OF_THE_POD = ['service', 'backend', 'deliver', 'telemetry', 'admin'];

/**
 * What is the same for all pods, from the options and the documents that they name.
 *
 * @returns undefined when there is a mistake in the documents, which was printed.
 * @throws AgentError `ERR_CONFIG`
 */
export async function openInjection(
  options: InjectionOptions,
  sidecar: InjectSettings['sidecar'],
  edge: Edge,
): Promise<InjectSettings | undefined> {
  const { image, envoyImage, imagePullPolicy, configMap } = options;
  const meshes = await readMeshes(options.files, edge);
  if (meshes === undefined) return undefined;
  return {
    image,
    envoyImage,
    imagePullPolicy,
    sidecar,
    configMap,
    meshes,
    renderEnvoy: (config, wanted) => renderYaml(describeBootstrap(planEnvoy(config, wanted))),
  };
}

async function readMeshes(files: readonly string[], edge: Edge): Promise<MeshDocuments | undefined> {
  const readFile = async (path: string) => readFileSync(path, 'utf8');
  const { sources, problems: unread } = await readSources({ files, environment: edge.environment, readFile });
  const documents = sources.flatMap((source) => parseDocuments(source).documents.map(({ value }) => value));
  const meshes = documents.filter(isMapping).filter(({ type, kind }) => type === 'Mesh' || kind === 'Mesh');
  const agents = documents.filter(isMapping).filter(({ type }) => type === 'Agent');
  const probed = loadConfig({ sources, problems: unread, ...IN_A_POD, environment: { ...OF_KUBERNETES, ...SOME_POD } });
  const mistakes = probed.problems.filter(({ severity }) => severity === 'error');
  // Which of several meshes a pod belongs to is for the pod to say.
  const told = mistakes.filter(({ message }) => !message.startsWith('there are several meshes'));
  for (const problem of told) edge.writeError(`${formatProblem(problem)}\n`);
  if (told.length > 0) return undefined;
  if (meshes.length === 0) {
    throw new AgentError('ERR_CONFIG', 'there is no Mesh document, and pods need one', {
      remedy: 'name its file: -c FILE',
    });
  }
  const agent = requireCommon(agents[0] ?? {});
  const load: MeshDocuments['load'] = (document, environment) => {
    const texts = [...meshes, document].map((one) => stringify(one));
    const sources = [{ file: 'agent.yaml', text: texts.join('---\n') }];
    return loadConfig({ sources, ...IN_A_POD, environment: { ...OF_KUBERNETES, ...environment } });
  };
  for (const mesh of meshes) requireNoSecrets(load({ type: 'Agent', ...agent, mesh: nameOf(mesh) }, SOME_POD));
  return {
    agent,
    load,
    render(document, name) {
      const mesh = name === undefined ? [] : meshes.filter((one) => nameOf(one) === name);
      return [...mesh, document].map((one) => stringify(one, { lineWidth: 0 })).join('---\n');
    },
  };
}

/** Nothing of the process that injects gets into pods. */
const IN_A_POD = { hostName: 'pod', currentDirectory: '/' };
/** Every container has these; which address it is does not matter here. */
const OF_KUBERNETES = { KUBERNETES_SERVICE_HOST: 'kubernetes.default.svc', KUBERNETES_SERVICE_PORT: '443' };
const SOME_POD = { POD_NAME: 'pod', POD_NAMESPACE: 'default', SERVICE_ACCOUNT: 'default' };

function requireCommon(agent: Record<string, unknown>): Record<string, unknown> {
  for (const key of OF_THE_POD) {
    if (!(key in agent)) continue;
    throw new AgentError('ERR_CONFIG', `the Agent document has "${key}", which each pod has of its own`, {
      remedy: 'leave it out here; docs/kubernetes.md tells the annotations of pods',
    });
  }
  return agent;
}

function nameOf(mesh: Record<string, unknown>): unknown {
  return isMapping(mesh.metadata) ? mesh.metadata.name : mesh.name;
}

/** Whoever may read pods would see them. */
function requireNoSecrets({ config, problems }: { config: Config | undefined; problems: readonly Problem[] }): void {
  if (config === undefined) {
    const [first] = problems.filter(({ severity }) => severity === 'error');
    throw new AgentError('ERR_CONFIG', first === undefined ? 'the Mesh cannot be used' : formatProblem(first));
  }
  for (const { name, issuer } of config.backends) {
    const key = findInline(issuer);
    if (key === undefined) continue;
    throw new AgentError(
      'ERR_CONFIG',
      `the backend "${name}" has the value of "${key}" in the configuration, where everybody who may read pods would see it`,
      {
        remedy: 'name a secret or a file instead',
      },
    );
  }
}

/** Certificates are no secret. */
const PUBLIC: readonly string[] = ['caCert', 'caChain', 'cert', 'clientCert'];

/** The key of the first source that holds its value itself. */
function findInline(value: unknown): string | undefined {
  if (!isMapping(value)) return undefined;
  for (const [key, one] of Object.entries(value)) {
    if (PUBLIC.includes(key)) continue;
    if (isMapping(one) && one.kind === 'inline') return key;
    const found = findInline(one);
    if (found !== undefined) return found;
  }
  return undefined;
}
