/**
 * From the text of files to a checked configuration, or to every mistake in them. Reads no file and no environment
 * itself.
 *
 * @module
 */
import { AgentError } from '../errors.ts';
import { renderSpiffeId, type SpiffeId } from '../identity/spiffe-id.ts';
import { IDENTITY_TEMPLATE } from '../kubernetes/mesh-signer.ts';
import { type Agent, readAgent } from './agent.ts';
import { makeBuiltinConfig } from './builtin.ts';
import type { Config, Problem } from './config.ts';
import { parseDocuments, type Source } from './documents.ts';
import { type Mesh, type Mtls, makeDefaultBackend, openMesh, readMtls } from './mesh.ts';
import { type Findings, Place } from './place.ts';
import { isAbsent, quote, suggest } from './schema.ts';
import { askSigner } from './signer.ts';
import { sortDocuments } from './sort-documents.ts';

export interface LoadInput {
  /** In the order in which they were given; none means the defaults alone. */
  readonly sources: readonly Source[];
  /** Files that could not be read; what they may hold is then not missed. */
  readonly problems?: readonly Problem[];
  /**
   * `POD_NAMESPACE`, `SERVICE_ACCOUNT` (or `POD_SERVICE_ACCOUNT`) and `POD_NAME` fill placeholders of `spiffeId`; the
   * `VAULT_*` variables of Vault's own clients what a `vault` backend leaves out.
   */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The service, when none is named. */
  readonly hostName: string;
  /** Absolute; relative paths are resolved against it. */
  readonly currentDirectory: string;
}

export interface Loaded {
  /** Undefined when there is at least one error among the problems. */
  readonly config: Config | undefined;
  /** In the order of the files and their lines. */
  readonly problems: readonly Problem[];
}

const DEFAULT_MESH = 'default';

/** Where mistakes stand that no document holds. */
const NO_DOCUMENT = { file: 'defaults', locate: () => 0 };

export function loadConfig(input: LoadInput): Loaded {
  const findings: Findings = { problems: [...(input.problems ?? [])], saidOnce: new Set() };
  const parsed = input.sources.map(parseDocuments);
  const isComplete = findings.problems.length === 0 && parsed.every((one) => one.isComplete);
  findings.problems.push(...parsed.flatMap(({ problems }) => problems));
  const sorted = sortDocuments(
    parsed.flatMap(({ documents }) => documents),
    findings,
  );

  const [agent = readAgent({}, new Place(NO_DOCUMENT, findings), input.currentDirectory), ...others] =
    sorted.agents.map((document) => readAgent(document.value, new Place(document, findings), input.currentDirectory));
  for (const { place } of others) place.error(`expected one Agent document, and there is one at ${agent.place}`);

  const meshes = sorted.meshes.map((document) => openMesh(document, findings));
  const selected = selectMesh(agent, meshes, isComplete);
  const { currentDirectory, environment } = input;
  const service = agent.service ?? cleanHostName(input.hostName);
  const tags = { 'kuma.io/service': service, ...agent.tags };
  const chosen = { name: agent.backend, place: agent.place.at('backend'), ttlSeconds: agent.ttlSeconds };
  const context = { currentDirectory, environment, tags, chosen };
  const read = meshes.map((mesh) => [mesh, readMtls(mesh, mesh === selected, context)] as const);
  const meshName = selected?.name ?? agent.mesh ?? DEFAULT_MESH;
  const given = read.find(([mesh]) => mesh === selected)?.[1] ?? useBuiltin(currentDirectory);
  const mtls = agent.signer === undefined ? given : askSigner(given, meshName, agent.signer, environment);
  if (meshes.length === 0 && input.sources.length > 0 && isComplete) {
    agent.place.warn('there is no Mesh document, so a builtin CA is used', 'give the file of the Mesh with -c, too');
  }

  checkStandbys(agent, mtls);
  const config = makeConfig(agent, meshName, service, mtls, input);
  const problems = sortProblems(findings.problems, input.sources);
  return { config: problems.some(({ severity }) => severity === 'error') ? undefined : config, problems };
}

/** @param isComplete false when a document could not be read: then the wanted one may be there. */
function selectMesh(agent: Agent, meshes: readonly Mesh[], isComplete: boolean): Mesh | undefined {
  const names = [...new Set(meshes.map(({ name }) => name))].filter((name) => name !== undefined);
  meshes.forEach(({ name, place }, index) => {
    const first = meshes.findIndex((other) => other.name === name);
    if (name === undefined || first === index) return;
    place.error(`the Mesh ${quote(name)} stands at ${meshes[first]?.place}, too`, 'keep one of them');
  });
  const wanted = agent.mesh ?? (names.length === 1 ? names[0] : DEFAULT_MESH);
  const found = meshes.find(({ name }) => name === wanted);
  const supposed = found ?? (meshes.length === 1 ? meshes[0] : undefined);
  const isUnnamed = meshes.some(({ name }) => name === undefined);
  if (found !== undefined || meshes.length === 0 || !isComplete || isUnnamed) return supposed;
  const given = names.map(quote).join(', ');
  if (agent.mesh === undefined) {
    meshes[0]?.place.error(`there are several meshes (${given})`, 'name one as "mesh" in an Agent document');
  } else {
    agent.place
      .at('mesh')
      .error(
        `expected the name of a Mesh that is given (${given}), got ${quote(agent.mesh)}`,
        suggest(agent.mesh, names),
      );
  }
  return supposed;
}

function checkStandbys({ rotation, place }: Agent, { backend, backends, supportedBackends }: Mtls): void {
  rotation.standbyBackends.forEach((name, index) => {
    const entry = place.at('rotation', 'standbyBackends', index);
    if (!supportedBackends.includes(name)) {
      const given = supportedBackends.join(', ') || 'there is none';
      entry.error(`expected a backend of the Mesh (${given}), got ${quote(name)}`, suggest(name, supportedBackends));
    } else if (!backends.some((one) => one.name === name)) {
      entry.error(`the backend ${quote(name)} is none that this version can use`);
    } else if (name === backend?.name || rotation.standbyBackends.indexOf(name) !== index) {
      entry.warn(`${quote(name)} is asked already`, 'leave it out');
    }
  });
}

function useBuiltin(currentDirectory: string): Mtls {
  const backend = makeDefaultBackend(makeBuiltinConfig(currentDirectory));
  return { backend, backends: [backend], supportedBackends: [backend.name] };
}

function makeConfig(agent: Agent, mesh: string, service: string, mtls: Mtls, input: LoadInput): Config | undefined {
  const spiffeId = makeSpiffeId(agent, mesh, service, input);
  if (spiffeId === undefined) return undefined;
  const { tags, keyType, allow, deliver, rotation, telemetry, admin } = agent;
  return { mesh, service, spiffeId, tags, keyType, allow, ...mtls, deliver, rotation, telemetry, admin };
}

/** Which variables of the environment fill the placeholders of `spiffeId`, the first that is set. */
const PLACEHOLDERS = {
  namespace: ['POD_NAMESPACE'],
  serviceAccount: ['SERVICE_ACCOUNT', 'POD_SERVICE_ACCOUNT'],
  pod: ['POD_NAME'],
} as const;

function makeSpiffeId(agent: Agent, mesh: string, service: string, { environment }: LoadInput): SpiffeId | undefined {
  const { signer, spiffeId, trustDomain = mesh, tags, place } = agent;
  const template = spiffeId ?? (signer === undefined ? '/{service}' : IDENTITY_TEMPLATE);
  const find = (name: keyof typeof PLACEHOLDERS) =>
    PLACEHOLDERS[name].map((variable) => environment[variable]).find((value) => !isAbsent(value));
  const values = { namespace: find('namespace'), serviceAccount: find('serviceAccount'), pod: find('pod') };
  try {
    return renderSpiffeId(trustDomain, template, { service, ...values, tags });
  } catch (thrown) {
    const { message, remedy } = AgentError.from(thrown);
    const unset = Object.entries(PLACEHOLDERS).find(([name]) => message.includes(`{${name}} has no value`));
    const key = spiffeId !== undefined ? 'spiffeId' : signer !== undefined ? 'signer' : 'service';
    place.at(key).error(message, unset === undefined ? remedy : `set ${unset[1][0]} in the environment`);
    return undefined;
  }
}

/** A host's name as a segment of a SPIFFE ID's path. */
function cleanHostName(hostName: string): string {
  if (/^(?!\.{1,2}$)[A-Za-z0-9._-]+$/.test(hostName)) return hostName;
  const cleaned = hostName
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[.-]+|[.-]+$/g, '');
  return cleaned === '' ? 'localhost' : cleaned;
}

function sortProblems(problems: readonly Problem[], sources: readonly Source[]): Problem[] {
  const files = sources.map(({ file }) => file);
  return problems.toSorted((a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line);
}
